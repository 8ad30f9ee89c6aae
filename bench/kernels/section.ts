/** One line of the kernel benchmark. */
export interface Row {
  /** What was done, at which size. */
  name: string;
  /** What computed it: ours or whom it is compared with. */
  engine: string;
  /** Milliseconds a call: the median and the least of several. */
  median: number;
  min: number;
  /** Rates derived from the least time, such as { "GFLOP/s": 41.2 }. */
  rate?: Record<string, number>;
  /** The bound that ours must keep, in words ("≥ 35 GFLOP/s"), and whether it did. */
  floor?: { bound: string; kept: boolean };
}

/** A topic of the benchmark, in a file of its own. */
export interface Section {
  title: string;
  run(): Promise<Row[]>;
}

/** Times `work`: warms up, then repeats it until `budget` ms are spent (at least `least` times). */
export function time(
  work: () => void,
  { warm = 3, least = 5, budget = 400 } = {},
): { median: number; min: number } {
  for (let i = 0; i < warm; i++) work();
  const times: number[] = [];
  const end = performance.now() + budget;
  while (times.length < least || performance.now() < end) {
    const start = performance.now();
    work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], min: times[0] };
}
