/** The table: on the terminal, as JSON, as Markdown. */
import { writeFileSync } from "node:fs";
import { arch, cpus, loadavg, totalmem } from "node:os";
import { resultPath, writeSection } from "../results.ts";
import type { Measured } from "./measure.ts";
import type { Clock } from "./session.ts";
import { type Floor, OURS, type Variant } from "./works.ts";

export interface Row {
  work: string;
  ms: number;
  peers: Record<string, number>;
  /** How many times as fast as each peer ours is. */
  ratio: Record<string, number>;
  /** The same by each side's fastest turn, where turns were taken. */
  fastest?: Record<string, number>;
}

/** A floor and what was found. */
export interface Verdict extends Floor {
  work: string;
  ratio: number | undefined;
  fastest: number | undefined;
}

export interface Result {
  device: string;
  date: string;
  seed: number;
  /** Processor time where others were working on the machine. */
  clock: Clock;
  node: string;
  browser?: string;
  /** The machine's load (1 minute) before and, once it is done, after; the benchmark's own part is 1. */
  load: number[];
  rows: Row[];
  floors: Verdict[];
  notes: string[];
}

export function deviceName(): string {
  const [{ model }] = cpus();
  return `${model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${arch()}`;
}

export function load(): number {
  return Math.round(loadavg()[0] * 100) / 100;
}

export function rowOf(work: string, ms: Record<string, number>, fastest?: Record<string, number>): Row {
  const { makeit, ...peers } = ms;
  const row = { work, ms: makeit, peers, ratio: ratios(ms) };
  return fastest ? { ...row, fastest: ratios(fastest) } : row;
}

function ratios({ makeit, ...peers }: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(peers).map(([name, time]) => [name, time / makeit]));
}

/** The row of a contest, and one for each of our variants beside everybody who is not another variant. */
export function rowsOf(
  title: string,
  { ms, fastest }: Pick<Measured, "ms" | "fastest">,
  floors: readonly Floor[],
  variants: readonly Variant[],
): { row: Row; verdicts: Verdict[] }[] {
  const others = (all: Record<string, number>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !variants.some(({ side }) => side === name)));
  const instead = (all: Record<string, number>, side: string) => {
    const { makeit, ...peers } = others(all);
    return { makeit: all[side], ...peers, [OURS]: makeit };
  };
  const row = rowOf(title, others(ms), others(fastest));
  const more = variants
    .filter(({ side }) => side in ms)
    .map((variant) => {
      const { side } = variant;
      const row = rowOf(`${title}, ${variant.title}`, instead(ms, side), instead(fastest, side));
      return { row, verdicts: judge(row, variant.floors) };
    });
  return [{ row, verdicts: judge(row, floors) }, ...more];
}

export function judge(row: Row, floors: readonly Floor[] = []): Verdict[] {
  return floors.map((floor) => {
    const { peer } = floor;
    return { ...floor, work: row.work, ratio: row.ratio[peer], fastest: row.fastest?.[peer] };
  });
}

export function rowText({ work, ms, peers, ratio }: Row): string {
  const lines = Object.entries(peers).map(
    ([name, time]) =>
      `    ${name.padEnd(44)}${milliseconds(time).padStart(13)}${times(ratio[name]).padStart(11)}`,
  );
  return [`${work.padEnd(48)}${milliseconds(ms).padStart(13)}`, ...lines].join("\n");
}

export function floorsText(floors: readonly Verdict[]): string {
  return ["Floors", ...floors.map((floor) => `  ${outcome(floor).padEnd(13)}${statement(floor)}`)].join("\n");
}

function outcome({ ratio, least }: Verdict): string {
  if (ratio === undefined) return "not measured";
  return ratio >= least ? "met" : "MISSED";
}

function statement({ work, peer, least, ratio, fastest }: Verdict): string {
  const found =
    ratio === undefined
      ? ""
      : `: ${times(ratio)}${fastest ? `, ${times(fastest)} by the fastest turns` : ""}`;
  return `${work}: ≥ ${least}× ${peer}${found}`;
}

export function headline({ device, date, seed, clock, node, browser, load }: Result): string {
  const where = [`Node ${node}`, ...(browser ? [`Chromium ${browser}`] : [])].join(", ");
  const [before, after = 0] = load;
  const busy = before > 1 || after > 2 ? " Others are working on this machine: the times are noisy." : "";
  const times = clock === "wall" ? "" : " processor time;";
  return `${device}; ${where}; ${date}; seed ${seed};${times} load ${load.join(" → ")}.${busy}`;
}

/** To four digits: more would be noise. */
export function json(result: Result): string {
  const round = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(result, round, 1);
}

/** Writes bench/results/DATE-speed-DEVICE.json and bench/RESULTS.md. @returns the former's path. */
export function write(result: Result): string {
  const path = `${resultPath(result, "speed")}.json`;
  writeFileSync(path, `${json(result)}\n`);
  writeSection(markdown(result));
  return path;
}

function markdown(result: Result): string {
  const cell = ([name, time]: [string, number], row: Row) =>
    `${name} ${milliseconds(time)} (${times(row.ratio[name])})`;
  const rows = result.rows.map(
    (row) =>
      `| ${row.work} | ${milliseconds(row.ms)} | ${Object.entries(row.peers)
        .map((peer) => cell(peer, row))
        .join("; ")} |`,
  );
  const floors = [...result.floors.map((floor) => `| ${outcome(floor)} | ${statement(floor)} |`)];
  return `# Speed

${headline(result)}

Written by \`npm run bench:speed -- --json\`; [NOTES.md](NOTES.md) says what was tried. Every row is one run: all sides
warmed up, then in turns, the median of several; beside each peer, how many times as fast Makeit is. One thread a side
unless it says otherwise. All sides start from the same numbers, and their losses and gradients agree within 1e-3.

| work | Makeit | others |
|---|---|---|
${rows.join("\n")}

| floor | |
|---|---|
${floors.join("\n")}
${result.notes.length ? `\n${result.notes.map((note) => `- ${note}`).join("\n")}\n` : ""}`;
}

function milliseconds(ms: number): string {
  const digits = ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0;
  return `${ms.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}

function times(ratio: number): string {
  return `${ratio.toLocaleString("en", { maximumFractionDigits: ratio < 10 ? 2 : ratio < 100 ? 1 : 0 })}×`;
}
