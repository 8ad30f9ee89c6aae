/** How long until a generator's sets score well: the loop that matters, from start to goal. */
import { encodeFold, type Fold, openFold } from "../fold.ts";
import { GOAL, type Learnt } from "./epoch.ts";
import { median } from "./measure.ts";
import { type Row, rowOf } from "./report.ts";
import type { Clock } from "./session.ts";
import { type Folds, NodeSide, type PlainExamples } from "./sides.ts";
import type { Floor } from "./works.ts";

const SIDES = ["makeit", "tfjs wasm", "tfjs wasm, by hand"];
export const LEARNING_FLOORS: readonly Floor[] = [{ peer: "tfjs wasm", least: 8 }];

/** @returns the row of times to the goal, and what there is to say about it. */
export async function timeLearning(
  from: { data?: string; target?: string; positive?: string },
  seeds: number,
  clock: Clock,
): Promise<{ row: Row; notes: string[] }> {
  const fold = await openFold(from);
  const folds: Folds = { scaled: plain(fold, true), raw: plain(fold, false) };
  const work = `time to mean set ROC-AUC ${GOAL} on ${fold.name}`;
  const ms: Record<string, number> = {};
  const notes: string[] = [];
  for (const library of SIDES) {
    const runs = await repeat(library, "learn", folds, seeds, clock);
    ms[library] = median(runs.map((run) => (run.reached ? run.ms : Number.POSITIVE_INFINITY)));
    const told = runs.map(
      ({ reached, ms, epochs, score }) =>
        `${(ms / 1000).toFixed(1)} s, ${epochs} epochs${reached ? "" : `, given up at ${score.toFixed(3)}`}`,
    );
    notes.push(`${work}: ${library}, seeds 1 to ${seeds}: ${told.join("; ")}`);
  }
  const [dragan] = await repeat("makeit", "dragan", folds, 1, clock);
  const { epochs, score } = dragan;
  notes.push(
    `Preset dragan beside it: ${score.toFixed(3)} after ${(dragan.ms / 1000).toFixed(0)} s and ${epochs} epochs`,
  );
  return { row: rowOf(work, ms), notes };
}

async function repeat(
  library: string,
  work: string,
  folds: Folds,
  count: number,
  clock: Clock,
): Promise<(Learnt & { ms: number })[]> {
  const side = new NodeSide(library, work, folds);
  try {
    await side.open();
    const runs: (Learnt & { ms: number })[] = [];
    for (let i = 0; i < count; i++) {
      const timing = await side.time(1);
      runs.push({ ms: timing[clock]!, ...(timing.result as Learnt) });
    }
    return runs;
  } finally {
    await side.close();
  }
}

function plain(fold: Fold, scale: boolean): PlainExamples {
  const { x, y } = encodeFold(fold, scale);
  return { cols: x.cols, x: Array.from(x.data), y: Array.from(y) };
}
