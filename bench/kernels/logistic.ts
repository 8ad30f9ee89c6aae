import type { Learner } from "../../sdk/classifiers.ts";
import { openLearner } from "../../sdk/classifiers.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import { stackRows, takeRows } from "../../sdk/matrix.ts";
import { PlainNewton } from "../newton.ts";
import { type Examples, linear } from "../problems.ts";
import { type Row, type Section, time } from "./section.ts";

/** One fit, and all fits of an epoch: 16 generated sets of 64 rows, each with the other folds' real rows. */
export const logistic: Section = {
  title: "Logistic regression, one core",
  async run() {
    const cpu = await Cpu.open();
    const ours = openLearner("logistic", 2, cpu);
    const theirs = new PlainNewton();
    const single = linear(3353, 8, 1);
    agree(ours, theirs, single);
    const wide = linear(551, 300, 2);
    const epoch = epochFits();
    return [
      ...compare(
        "fit 3353×8",
        () => ours.fit(single.x, single.y),
        () => theirs.fit(single.x, single.y),
        1,
      ),
      ...compare(
        "16 sets × 3 folds, 731 + 64 rows × 8",
        () => epoch(ours),
        () => epoch(theirs),
        25,
      ),
      { name: "fit 551×300 (L-BFGS)", engine: "makeit", ...time(() => ours.fit(wide.x, wide.y)) },
    ];
  },
};

/** For each set and fold: stack the rows, weight the set as the real rows together, fit, predict the fold left out. */
function epochFits(): (learner: Learner) => void {
  const real = linear(731, 8, 3);
  const folds = [0, 1, 2].map((fold) => {
    const rows = Array.from(real.y.keys());
    const train = rows.filter((i) => i % 3 !== fold);
    const test = takeRows(
      real.x,
      rows.filter((i) => i % 3 === fold),
    );
    return { x: takeRows(real.x, train), y: train.map((i) => real.y[i]), test };
  });
  const sets = Array.from({ length: 16 }, (_, s) => linear(64, 8, 10 + s));
  return (learner) => {
    for (const set of sets) {
      for (const { x, y, test } of folds) {
        const labels = Int32Array.from([...y, ...set.y]);
        const weights = new Float64Array(labels.length).fill(1).fill(y.length / 64, y.length);
        void learner.fit(stackRows(x, set.x), labels, weights);
        void learner.predictProba(test);
      }
    }
  };
}

/** Both must have found the same optimum, or their times do not compare. */
function agree(ours: Learner, theirs: Learner, { x, y }: Examples): void {
  const [a, b] = [ours, theirs].map((learner) => {
    void learner.fit(x, y);
    return learner.predictProba(x) as Float64Array;
  });
  const worst = a.reduce((most, p, i) => Math.max(most, Math.abs(p - b[i])), 0);
  if (!(worst < 1e-6)) throw new Error(`The fits differ by ${worst} in a probability, expected below 1e-6.`);
}

function compare(name: string, ours: () => void, theirs: () => void, floor: number): Row[] {
  const [plain, engine] = [time(theirs), time(ours)];
  return [
    {
      name,
      engine: "makeit",
      ...engine,
      rate: { "× plain JS": plain.min / engine.min },
      floor: { bound: `≤ ${floor} ms`, kept: engine.min <= floor },
    },
    { name, engine: "plain JS", ...plain },
  ];
}
