import { beforeAll, describe, expect, test } from "vitest";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { Random } from "../sdk/random.ts";
import { fitTree, type Tree } from "../sdk/tree.ts";
import { gaussian, matrixOf } from "./data.ts";

let cpu: Cpu<ExtraExports>;
beforeAll(async () => {
  cpu = await Cpu.openExtra();
});

/** From here on a tree of two classes counts its rows in bins. */
const ROWS = 16384;

/** A value of a column: what is drawn, the row's class, and the value before it in the row. */
type Draw = (random: Random, label: number, before: number) => number;
const COLUMNS: Record<string, Draw> = {
  noise: (random) => gaussian(random),
  signal: (random, label) => gaussian(random) + label,
  uniform: (random) => random.uniform(),
  "log-normal": (random, label) => Math.exp(2 * gaussian(random) + 0.3 * label),
  "mostly zeros": (random, label) => (random.uniform() < 0.95 ? 0 : gaussian(random) + label),
  "two values": (random, label) => (random.uniform() < 0.1 + 0.2 * label ? 1 : 0),
  "few values": (random, label) => random.integer(20) + label,
  constant: () => 3,
  "large and close together": (random, label) => 1.6e9 + random.integer(1e6) + 1000 * label,
  "a cluster and what is far from it": (random, label) =>
    random.uniform() < 0.01 ? 1e9 * gaussian(random) : 1000 + 0.01 * gaussian(random) + 0.01 * label,
  "not finite": (random) => [Number.NaN, Infinity, -Infinity, gaussian(random)][random.integer(4)],
  "the column before": (_, __, before) => before,
  "the column before, mirrored": (_, __, before) => -before,
  "classes apart": (random, label) => random.uniform() + label,
};
const KINDS = Object.keys(COLUMNS);

function draw(kinds: readonly string[], seed: number, rate = 0.3): { x: Matrix; y: Int32Array } {
  const random = new Random(seed);
  const y = Int32Array.from({ length: ROWS }, () => (random.uniform() < rate ? 1 : 0));
  const x = matrixOf(ROWS, kinds.length, () => 0);
  for (let i = 0, at = 0; i < ROWS; i++) {
    for (const kind of kinds) {
      x.data[at] = COLUMNS[kind](random, y[i], x.data[at - 1] ?? 0);
      at++;
    }
  }
  return { x, y };
}

/** CART by sorting each node's rows by each column; node by node as `Tree` has them: feature, threshold, rows. */
function sorted({ x, y }: { x: Matrix; y: Int32Array }, maxDepth: number, minLeaf: number): number[][] {
  const clean = Array.from(x.data, (v) => (Number.isNaN(v) ? 0 : Math.max(-MAX, Math.min(MAX, v))));
  const nodes: number[][] = [];
  const grow = (rows: number[], depth: number): void => {
    const cut = depth < maxDepth ? bestCut(rows) : undefined;
    nodes.push([cut?.feature ?? -1, cut?.threshold ?? 0, rows.length]);
    if (!cut) return;
    grow(cut.order.slice(0, cut.left), depth + 1);
    grow(cut.order.slice(cut.left), depth + 1);
  };
  const bestCut = (rows: number[]) => {
    const n = rows.length;
    const positives = rows.reduce((sum, row) => sum + y[row], 0);
    if (positives === 0 || positives === n) return undefined;
    let lowest = Number.POSITIVE_INFINITY;
    let best: { feature: number; threshold: number; left: number; order: number[] } | undefined;
    for (let feature = 0; feature < x.cols; feature++) {
      const value = (row: number) => clean[row * x.cols + feature];
      const order = [...rows].sort((a, b) => value(a) - value(b));
      let ones = 0;
      for (let left = 1; left < n; left++) {
        ones += y[order[left - 1]];
        const [a, b] = [value(order[left - 1]), value(order[left])];
        if (a === b || left < minLeaf || n - left < minLeaf) continue;
        const right = n - left;
        const others = positives - ones;
        const cost = 2 * ((ones * (left - ones)) / left + (others * (right - others)) / right);
        if (cost >= lowest - 1e-10 * n) continue;
        lowest = cost;
        best = { feature, threshold: 0.5 * a + 0.5 * b, left, order };
      }
    }
    return best;
  };
  grow(
    Array.from(y, (_, row) => row),
    0,
  );
  return nodes;
}
const MAX = 3.4028234663852886e38;

const nodesOf = ({ feature, threshold, samples }: Tree) =>
  Array.from(feature, (one, node) => [one, threshold[node], samples[node]]);

describe("many rows, counted in bins, grow the trees of sorted columns", () => {
  test.each(KINDS)("%s", (kind) => {
    const table = draw(["noise", kind, kind, "uniform"], 1 + KINDS.indexOf(kind));
    const tree = fitTree(cpu, table.x, table.y, 2, { maxDepth: 4 });
    expect(nodesOf(tree)).toEqual(sorted(table, 4, 1));
  });

  test.each(Array.from({ length: 12 }, (_, seed) => seed))("any columns, leaves and rates, %i", (seed) => {
    const random = new Random(100 + seed);
    const kinds = Array.from({ length: 1 + random.integer(5) }, () => KINDS[random.integer(KINDS.length)]);
    const table = draw(kinds, seed, [0.5, 0.02, 0.9][seed % 3]);
    const maxDepth = 1 + random.integer(4);
    const minLeaf = [1, 7, 300, 4000][seed % 4];
    const tree = fitTree(cpu, table.x, table.y, 2, { maxDepth, minLeaf });
    expect(nodesOf(tree), kinds.join(", ")).toEqual(sorted(table, maxDepth, minLeaf));
  });

  test("counts and impurities are those of the rows", () => {
    const { x, y } = draw(["signal", "noise"], 9);
    const tree = fitTree(cpu, x, y, 2, { maxDepth: 3 });
    const ones = fitTree(cpu, x, y, 2, { maxDepth: 3, weights: new Float64Array(ROWS).fill(1) });
    expect(tree).toEqual(ones); // weights are never counted in bins
    expect(tree.value[1]).toBe(y.reduce((sum, label) => sum + label, 0));
  });
});
