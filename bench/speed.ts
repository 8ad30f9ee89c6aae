/**
 * Speed beside every peer: the same work from the same numbers on all sides, their outputs compared first, then timed
 * in turns, each side in a process or a page of its own. `bench/RESULTS.md` keeps the table.
 */
import { parseArgs } from "node:util";
import { inputError, type MakeitError } from "../sdk/errors.ts";
import { installPeers } from "./speed/install.ts";
import { LEARNING_FLOORS, timeLearning } from "./speed/learning.ts";
import { measure } from "./speed/measure.ts";
import { Places } from "./speed/places.ts";
import { SEED } from "./speed/problem.ts";
import * as report from "./speed/report.ts";
import type { Clock } from "./speed/session.ts";
import { WORKS, type Work } from "./speed/works.ts";

const USAGE = `npm run bench:speed -- [options]
  --only A,B        some works: ${WORKS.map(({ name }) => name).join(", ")}
  --data FILE.csv   also the time until generated sets score .9 (ROC-AUC) on this table
  --target COLUMN   what to predict in it (default: the last column)
  --positive VALUE  the class to find (default: the rarest)
  --seeds N         how often that is repeated, each with a seed of its own (1)
  --no-browser      Node alone
  --processor       take the processor's time, where others work on the machine; Node alone
  --json            print JSON; a run of all works is also written to bench/results and bench/RESULTS.md`;

const flags = {
  only: { type: "string" },
  data: { type: "string" },
  target: { type: "string" },
  positive: { type: "string" },
  seeds: { type: "string", default: "1" },
  browser: { type: "boolean", default: true },
  processor: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;
type Values = ReturnType<typeof parseArgs<{ options: typeof flags }>>["values"];

try {
  const { values } = parseArgs({ options: flags, allowNegative: true });
  if (values.help) console.log(USAGE);
  else await bench(values);
} catch (error) {
  const { code, message, hint = "" } = error as MakeitError;
  const misused = String(code).startsWith("ERR_PARSE_ARGS");
  console.error(misused ? `${message}\n${USAGE}` : `${message} ${hint}`.trim());
  process.exitCode = misused || code === "input" ? 2 : 1;
}

async function bench(values: Values): Promise<void> {
  const works = worksOf(values.only);
  const seeds = seedsOf(values.seeds);
  await installPeers();
  // Who asks for JSON still sees how far it is.
  const say = values.json ? console.error : console.log;
  const result: report.Result = {
    device: report.deviceName(),
    date: new Date().toISOString().slice(0, 10),
    seed: SEED,
    clock: values.processor ? "processor" : "wall",
    node: process.version,
    load: [report.load()],
    rows: [],
    floors: [],
    notes: [],
  };
  const places = await Places.open(values.browser && !values.processor);
  result.browser = places.browserVersion;
  const note = (...texts: string[]) => {
    result.notes.push(...texts);
    for (const text of texts) say(text);
  };
  const add = (row: report.Row, verdicts: report.Verdict[]) => {
    result.rows.push(row);
    result.floors.push(...verdicts);
    say(report.rowText(row));
  };
  say(report.headline(result));
  note(...places.missing);
  try {
    await timeWorks(works, places, result.clock, add, note);
    if (values.data) {
      const { row, notes } = await timeLearning(values, seeds, result.clock);
      add(row, report.judge(row, LEARNING_FLOORS));
      note(...notes);
    } else note("No time to a mean set ROC-AUC of .9: it is measured on the table that --data names.");
  } finally {
    await places.close();
  }
  result.load.push(report.load());
  say(report.floorsText(result.floors));
  say(report.headline(result));
  if (!values.json) return;
  console.log(report.json(result));
  if (values.only === undefined) say(`Written: ${report.write(result)}, bench/RESULTS.md`);
}

async function timeWorks(
  works: readonly Work[],
  places: Places,
  clock: Clock,
  add: (row: report.Row, verdicts: report.Verdict[]) => void,
  note: (text: string) => void,
): Promise<void> {
  for (const work of works) {
    for (const { title, sides, floors, variants } of places.contests(work)) {
      const measured = await measure(sides, clock);
      for (const { row, verdicts } of report.rowsOf(title, measured, floors, variants)) add(row, verdicts);
      for (const reason of measured.missing) note(`${title}, left out: ${reason}`);
    }
  }
}

function worksOf(only?: string): readonly Work[] {
  if (only === undefined) return WORKS;
  const names = only.split(",");
  const unknown = names.find((name) => !WORKS.some((work) => work.name === name));
  if (unknown !== undefined)
    throw inputError(
      `There is no work "${unknown}".`,
      `There are: ${WORKS.map(({ name }) => name).join(", ")}.`,
    );
  return WORKS.filter(({ name }) => names.includes(name));
}

function seedsOf(text: string): number {
  const seeds = Number(text);
  if (Number.isInteger(seeds) && seeds >= 1) return seeds;
  throw inputError(`--seeds is ${text}; expected 1 or more.`);
}
