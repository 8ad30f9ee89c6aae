import { DecisionTreeClassifier } from "ml-cart";
import { Cpu } from "../../sdk/engine/module.ts";
import { type Matrix, matrix } from "../../sdk/matrix.ts";
import { Random } from "../../sdk/random.ts";
import { fitTree } from "../../sdk/tree.ts";
import { type Row, type Section, time } from "./section.ts";

/** Trees of depth 4. ml-cart sorts anew at every node: 100,000 rows would take it hours, so it fits the small one. */
export const tree: Section = {
  title: "Decision trees of depth 4, one core",
  async run() {
    const cpu = await Cpu.open();
    const small = problem(3353, 8);
    const large = problem(100_000, 30);
    const cart = time(() => fitCart(small), { warm: 0, least: 1, budget: 0 });
    const ours = time(() => fitTree(cpu, small.x, small.y, 2));
    const name = "fit 3353×8";
    const rows: Row[] = [
      {
        name,
        engine: "makeit",
        ...ours,
        rate: { "× ml-cart": cart.min / ours.min },
        floor: floor(ours.min, 2),
      },
      { name, engine: "ml-cart", ...cart },
    ];
    const timed = time(() => fitTree(cpu, large.x, large.y, 2), { budget: 1000 });
    rows.push({ name: "fit 100000×30", engine: "makeit", ...timed, floor: floor(timed.min, 100) });
    return rows;
  },
};

function floor(found: number, most: number): Row["floor"] {
  return { bound: `≤ ${most} ms`, kept: found <= most };
}

interface Problem {
  x: Matrix;
  y: Int32Array;
}

/** Rows of uniform features, classed by a noisy line. */
function problem(rows: number, cols: number): Problem {
  const random = new Random(rows);
  const x = matrix(rows, cols);
  for (let i = 0; i < x.data.length; i++) x.data[i] = random.uniform();
  const y = Int32Array.from({ length: rows }, (_, i) =>
    x.data[i * cols] + x.data[i * cols + 1] + random.uniform() - 0.5 > 1.4 ? 1 : 0,
  );
  return { x, y };
}

function fitCart({ x, y }: Problem): void {
  const features = Array.from({ length: x.rows }, (_, i) =>
    Array.from(x.data.subarray(i * x.cols, (i + 1) * x.cols)),
  );
  const cart = new DecisionTreeClassifier({
    gainFunction: "gini",
    maxDepth: 4,
    minNumSamples: 1,
    gainThreshold: 0,
  });
  cart.train(features, Array.from(y));
}
