import { describe, expect, test } from "vitest";
import { drawParetoOf } from "../sdk/drawings.ts";
import { fit, readTable, sweepLambda, type Table } from "../sdk/index.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import { renderReport } from "../sdk/report.ts";
import { toy } from "./toy.ts";

const QUICK = {
  epochs: 3,
  splits: 2,
  rescoreDraws: 1,
  rescore: 6,
  vote: 4,
  samples: "16",
  batchSize: 4,
  target: "class",
};

function table(): Promise<Table> {
  const { x, y } = toy(2, 90);
  return readTable(
    {
      a: Array.from(y, (_, i) => x.data[2 * i]),
      b: Array.from(y, (_, i) => x.data[2 * i + 1]),
      class: Array.from(y, (label) => (label ? "rare" : "usual")),
    },
    { name: "toy" },
  );
}

describe("a sweep of λ", () => {
  test("gives a point a λ by rising λ, the run's own as the run has it, and is drawn", async () => {
    const { result } = await fit(await table(), QUICK);
    const heard: string[] = [];
    const points = await sweepLambda(await table(), {
      ...QUICK,
      lambdas: [4, 0, 1],
      done: result,
      onEpoch: ({ split, splits, epoch }) => heard.push(`${split}/${splits}.${epoch}`),
    });
    expect(points.map(({ lambda }) => lambda)).toEqual([0, 1, 4]);
    expect(points[1].score).toBe(result.mean.test.makeit);
    expect(points[1].distance).toBe(result.evidence.fidelity.distance.mean);
    expect(heard).toHaveLength(2 * 2 * 3); // two further λ, two splits, three epochs
    expect([heard[0], heard.at(-1)]).toEqual(["1/4.1", "4/4.3"]);
    const alone = await fit(await table(), { ...QUICK, lambda: 4 });
    expect(points[2].score).toBe(alone.result.mean.test.makeit);
    expect(points[2].correlation).toBe(alone.result.evidence.fidelity.correlation.mean);

    registerPlotWindow();
    expect(renderReport(result)).not.toContain("What λ trades");
    result.sweep = points;
    expect(renderReport(result)).toContain("What λ trades");
    expect(drawParetoOf(result)).toContain("λ 4");
  });

  test("interrupted, keeps the λ that were tried to their end", async () => {
    const stop = new AbortController();
    const points = await sweepLambda(await table(), {
      ...QUICK,
      lambdas: [0, 1, 4],
      signal: stop.signal,
      onEpoch: ({ split }) => split === 3 && stop.abort(),
    });
    expect(points.map(({ lambda }) => lambda)).toEqual([0]);
  });

  test.each([[[]], [[1]], [[1, 1]], [[-1, 1]], [[Number.NaN, 1]]])("refuses %o", async (lambdas) => {
    await expect(sweepLambda(await table(), { ...QUICK, lambdas })).rejects.toThrow(
      /expected at least two different/,
    );
  });
});
