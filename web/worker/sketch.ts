/** What a column looks like at a glance. */
import type { Column } from "../../sdk/table/table.ts";

const BINS = 20;
const BARS = 8;

/** Heights from 0 to 1: a histogram of numbers, or the most frequent categories, largest first. */
export function sketch(column: Column): number[] {
  const counts = column.codes ? frequent(column.codes, column.categories!.length) : histogram(column.values!);
  const most = Math.max(...counts, 1);
  return counts.map((count) => count / most);
}

function frequent(codes: Int32Array, categories: number): number[] {
  const counts = new Array<number>(categories).fill(0);
  for (const code of codes) if (code >= 0) counts[code]++;
  return counts.sort((a, b) => b - a).slice(0, BARS);
}

function histogram(values: Float64Array): number[] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const counts = new Array<number>(BINS).fill(0);
  if (!(high > low)) return Number.isFinite(low) ? [1] : [];
  for (const value of values) {
    if (!Number.isNaN(value)) counts[Math.min(BINS - 1, Math.floor((BINS * (value - low)) / (high - low)))]++;
  }
  return counts;
}
