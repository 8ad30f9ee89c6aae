/**
 * Growth: an epoch's seconds and the peak memory over rows, columns and set sizes, with the exponents that fit them; the
 * reading and the whole fit of a large table; the start. `bench/RESULTS.md` says what came of it.
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { resultPath, writeSection } from "./results.ts";
import { fitLarge, largeTable, type Program, readLarge } from "./scale/large.ts";
import { type Curve, logLog } from "./scale/plot.ts";
import { type Luck, luck } from "./scale/scoreRows.ts";
import { exponent, type Measured, NOISE, SERIES, type Series, type Size, USUAL } from "./scale/sizes.ts";
import { Browser } from "./speed/browser.ts";
import { median } from "./speed/measure.ts";
import { deviceName, load } from "./speed/report.ts";

const PARTS = ["growth", "large", "score", "start"] as const;
const USAGE = `npm run bench:scale -- [options]
  --only A,B    some parts: ${PARTS.join(", ")}
  --json        print JSON; a run of all parts is also written to bench/results (with its plots) and bench/RESULTS.md`;

interface Point extends Size, Measured {}
interface Growth {
  name: string;
  points: Point[];
  /** Exponents of an epoch's seconds and of the peak memory. */
  seconds: number;
  megabytes: number;
  most: number;
}
interface Floor {
  what: string;
  found: number;
  most: number;
  unit: string;
}
interface Result {
  device: string;
  date: string;
  node: string;
  load: number[];
  growth: Growth[];
  large?: { read: Program; fit: Program };
  scores?: Luck[];
  start?: { node: number; page?: number };
  floors: Floor[];
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const parts = values.only?.split(",") ?? [...PARTS];
const unknown = parts.find((part) => !(PARTS as readonly string[]).includes(part));
if (values.help) console.log(USAGE);
else if (unknown !== undefined) {
  console.error(`There is no part "${unknown}".\n${USAGE}`);
  process.exitCode = 2;
} else await bench();

async function bench(): Promise<void> {
  const say = values.json ? console.error : console.log;
  const result: Result = {
    device: deviceName(),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    load: [load()],
    growth: [],
    floors: [],
  };
  say(`${result.device}; Node ${result.node}; ${result.date}; load ${result.load[0]}`);
  const floor = (what: string, found: number, most: number, unit: string) => {
    result.floors.push({ what, found, most, unit });
    say(`  ${found <= most ? "met" : "MISSED"}: ${what} ${figure(found)}${unit}, at most ${most}${unit}`);
  };
  if (parts.includes("start")) {
    const node = await startUp();
    result.start = { node };
    floor("import and init in Node", node, 30, " ms");
    const page = await startUpInPage();
    if (typeof page === "string") say(`No start in a page: ${page}`);
    else {
      result.start.page = page;
      floor("import and init in Chromium", page, 50, " ms");
    }
  }
  if (parts.includes("growth")) {
    for (const series of SERIES) {
      const growth = await grow(series, say);
      result.growth.push(growth);
      floor(`exponent of an epoch's seconds in ${series.title}`, growth.seconds, series.most + NOISE, "");
    }
  }
  if (parts.includes("score")) {
    result.scores = await luck(["f1", "average_precision"]);
    for (const { metric, scoreRows, error, spread, ms } of result.scores) {
      const part = `${figure(error)} of a spread between sets of ${figure(spread)}, ${figure(ms)} ms a score`;
      say(`${metric} on ${scoreRows} rows: standard error ${part}`);
    }
  }
  if (parts.includes("large")) {
    const path = await largeTable();
    const read = await readLarge(path);
    floor("reading and encoding 1,000,000 × 30 CSV", read.seconds, 8, " s");
    floor("its peak memory", read.megabytes, 1536, " MB");
    const fit = await fitLarge(path);
    result.large = { read, fit };
    floor("makeit fit on it", fit.seconds, 300, " s");
    say(`  its peak memory ${figure(fit.megabytes)} MB`);
  }
  result.load.push(load());
  say(`load ${result.load.join(" → ")}`);
  if (!values.json) return;
  console.log(json(result));
  if (values.only === undefined) write(result);
}

async function grow(series: Series, say: (line: string) => void): Promise<Growth> {
  const { name, most, from } = series;
  const points: Point[] = [];
  for (const value of series.values) {
    const size = { ...USUAL, [name]: value };
    const measured = await measure(size);
    points.push({ ...size, ...measured });
    say(`${name} ${value}: ${figure(measured.seconds * 1000)} ms an epoch, ${figure(measured.megabytes)} MB`);
  }
  const slope = (of: keyof Measured) =>
    exponent(points.filter((p) => p[name] >= from).map((p) => ({ x: p[name], y: p[of] })));
  return { name, points, seconds: slope("seconds"), megabytes: slope("megabytes"), most };
}

async function measure(size: Size): Promise<Measured> {
  const child = fork(resolve("dist/bench/scale/point.js"));
  child.send(size);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${JSON.stringify(size)} ended with code ${code}.`);
  });
  ended.catch(() => {});
  const [measured] = await Promise.race([once(child, "message"), ended]);
  return measured as Measured;
}

/** Milliseconds until the engine is there, in fresh processes. */
async function startUp(): Promise<number> {
  const script = `const t = performance.now();
    const { init } = await import(${JSON.stringify(resolve("dist/index.js"))});
    await init();
    process.send(performance.now() - t);`;
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const [ms] = await once(child, "message");
    times.push(ms as number);
    child.kill();
  }
  return median(times);
}

/** The same in fresh pages, files from a server on this machine. @returns why there are none, otherwise. */
async function startUpInPage(): Promise<number | string> {
  const browser = await Browser.start();
  if (typeof browser === "string") return browser;
  try {
    const times: number[] = [];
    for (let i = 0; i < 9; i++) {
      const page = await browser.open("empty");
      const load = async (path: string) => {
        const started = performance.now();
        const { init } = await import(path);
        await init();
        return performance.now() - started;
      };
      times.push(await page.evaluate(load, "/dist/index.js"));
      await page.close();
    }
    return median(times);
  } finally {
    await browser.close();
  }
}

function figure(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
}

function json(result: Result): string {
  const round = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(result, round, 1);
}

function write(result: Result): void {
  const stem = resultPath(result, "scale");
  writeFileSync(`${stem}.json`, `${json(result)}\n`);
  const curves = (y: keyof Measured) =>
    SERIES.map(({ name, title }): Curve => {
      const { points } = result.growth.find((growth) => growth.name === name)!;
      return { title, points: points.map((point) => ({ x: point[name], y: point[y] })) };
    });
  writeFileSync(`${stem}.svg`, logLog(curves("seconds"), "size", "seconds an epoch"));
  writeFileSync(`${stem}-memory.svg`, logLog(curves("megabytes"), "size", "megabytes at most"));
  writeSection(markdown(result, stem.replace("bench/", "")));
  console.error(`Written: ${stem}.json, its plots, bench/RESULTS.md`);
}

function markdown({ device, date, node, load, growth, scores, floors }: Result, stem: string): string {
  const rows = growth.flatMap(({ name, points }) =>
    points.map(
      (point) =>
        `| ${name} ${point[name as keyof Size].toLocaleString("en")} | ${figure(1000 * point.seconds)} | ${figure(point.megabytes)} |`,
    ),
  );
  const exponents = growth.map(
    ({ name, seconds, megabytes }) => `| ${name} | ${seconds.toFixed(2)} | ${megabytes.toFixed(2)} |`,
  );
  const luckRows = (scores ?? []).map(
    ({ metric, scoreRows, error, spread, ms }) =>
      `| ${metric} | ${scoreRows.toLocaleString("en")} | ${figure(error)} | ${figure(spread)} | ${figure(ms)} |`,
  );
  const judged = floors.map(
    ({ what, found, most, unit }) =>
      `| ${found <= most ? "met" : "MISSED"} | ${what} | ${figure(found)}${unit} | ≤ ${most}${unit} |`,
  );
  return `# Growth

${device}; Node ${node}; ${date}; load ${load.join(" → ")}. Written by \`npm run bench:scale -- --json\`: each size in a process of
its own, preset \`default\`, one thread; ${USUAL.rows.toLocaleString("en")} rows, ${USUAL.columns} columns and S = ${USUAL.samples} but for the size that grows.

![Seconds an epoch](${stem}.svg)
![Megabytes at most](${stem}-memory.svg)

| size | ms an epoch | MB at most |
|---|---|---|
${rows.join("\n")}

| exponent of | seconds | memory |
|---|---|---|
${exponents.join("\n")}

How much of a score is luck, by the rows that score a set (100,000 × 10 rows, 8 sets, 8 draws): the standard error of a
score should be small beside what tells sets apart.

| metric | scoreRows | standard error | spread between sets | ms a score |
|---|---|---|---|---|
${luckRows.join("\n")}

| floor | | found | |
|---|---|---|---|
${judged.join("\n")}
`;
}
