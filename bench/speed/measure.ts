/** Times the sides of a work: equal outputs first, then in turns, so that what else the machine does meets them all. */
import type { Clock } from "./session.ts";
import type { Side } from "./sides.ts";
import type { Outputs } from "./task.ts";

/** Outputs may differ by this much of the largest of them. */
const TOLERANCE = 1e-3;
/** A turn takes about this many milliseconds, and each side gets about so many in all. */
const TURN = 60;
const BUDGET = 2500;
const [FEWEST, MOST] = [3, 40];

/** How sides are started, by name; ours is the first. */
export type Starts = Record<string, () => Side | Promise<Side>>;

export interface Measured {
  /** Median milliseconds a step, by side. */
  ms: Record<string, number>;
  /** The same of the fastest turn: what neighbours on the machine disturbed least. */
  fastest: Record<string, number>;
  /** Why a side is missing. */
  missing: string[];
}

/** Times what is asked of the sides; one that does not agree with ours is left out. */
export async function measure(sides: Starts, clock: Clock): Promise<Measured> {
  const open: { name: string; side: Side; count: number; rounds: number; times: number[] }[] = [];
  const missing: string[] = [];
  let ours: Outputs | undefined;
  try {
    for (const [name, start] of Object.entries(sides)) {
      const side = await start();
      try {
        const outputs = await side.open();
        ours ??= outputs;
        compare(ours, outputs);
        open.push({ name, side, times: [], ...(await warmUp(side)) });
      } catch (error) {
        await side.close();
        if (ours === undefined) throw error;
        missing.push(`${name}: ${(error as Error).message.split("\n")[0]}`);
      }
    }
    for (let round = 0; round < Math.max(...open.map(({ rounds }) => rounds)); round++) {
      for (const { side, count, rounds, times } of open) {
        if (round >= rounds) continue;
        await side.time(1); // a side that waited for the others finds its caches, and its cores, cold
        times.push((await side.time(count))[clock]!);
      }
    }
  } finally {
    for (const { side } of open) await side.close();
  }
  const each = (of: (times: number[]) => number) =>
    Object.fromEntries(open.map(({ name, times }) => [name, of(times)]));
  return { ms: each(median), fastest: each((times) => Math.min(...times)), missing };
}

/** Steps until a few are done and their time is known. @returns steps a turn, and how many turns. */
async function warmUp(side: Side): Promise<{ count: number; rounds: number }> {
  let { wall: ms } = await side.time(1);
  for (let spent = ms; spent < 3 * TURN; spent += 3 * ms) ({ wall: ms } = await side.time(3));
  const count = Math.max(1, Math.round(TURN / ms));
  return { count, rounds: Math.min(MOST, Math.max(FEWEST, Math.round(BUDGET / (count * ms)))) };
}

function compare(ours: Outputs, theirs: Outputs): void {
  for (const [name, expected] of Object.entries(ours)) {
    const found = theirs[name];
    if (found?.length !== expected.length)
      throw new Error(`${name} has ${found?.length} values, ours ${expected.length}`);
    const largest = Math.max(...expected.map(Math.abs));
    expected.forEach((value, i) => {
      if (Math.abs(found[i] - value) <= TOLERANCE * largest) return;
      throw new Error(`${name}[${i}] is ${found[i]}, ours ${value} (tolerance ${TOLERANCE} of ${largest})`);
    });
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
