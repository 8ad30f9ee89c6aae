/**
 * Reads a great many damaged inputs and says what went wrong: another error than the user's, a crash, a hang, a
 * memory that fills.
 *
 *   npm run fuzz -- [--inputs 1000000] [--seed 1] [--reader csv,parquet] [--from 0] [--jobs 2]
 *
 * The inputs are shared evenly by the readers. The same seed gives the same inputs; `--from` and `--inputs 1` repeat
 * one of them. Ends with 1 when anything was found.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { type Finding, kindOf, minimise, type Outcome, show, startTimer, type Tally } from "./hunt.ts";
import { drawInput, READERS, type Reader } from "./readers.ts";
import type { Task } from "./worker.ts";

/** An input that takes longer than this, in milliseconds of all threads, is a hang: the thread is ended. */
const PATIENCE = 20_000;
/** What a thread may hold on the heap, and what the whole process may grow to, in MiB. */
const HEAP = 512;
const MEMORY = 3072;
/** Inputs that a thread reads before the next one takes over. */
const STRETCH = 20_000;
/** Readings in search of a smaller input that hangs: each may take as long as a hang. */
const SLOW_TRIES = 60;
const OUT = "out/fuzz";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    reader: { type: "string" },
    from: { type: "string", default: "0" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

const [inputs, seed, first, jobs] = [values.inputs, values.seed, values.from, values.jobs].map(Number);
const wanted = values.reader?.split(",");
const unknown = wanted?.find((name) => !READERS.some((reader) => reader.name === name));
if (unknown !== undefined || ![inputs, seed, first, jobs].every((n) => Number.isSafeInteger(n) && n >= 0)) {
  console.error(`Readers are ${READERS.map(({ name }) => name).join(", ")}; the rest are whole numbers.`);
  process.exit(2);
}
const readers = READERS.filter(({ name }) => wanted?.includes(name) ?? true);

/** Runs a thread to its end. @returns its answer, or how it failed and at which input */
function run<T>(task: Omit<Task, "at">, patience = PATIENCE): Promise<T | { died: string; index: number }> {
  const at = new Int32Array(new SharedArrayBuffer(4));
  at[0] = task.from;
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    workerData: { ...task, at },
    resourceLimits: { maxOldGenerationSizeMb: HEAP },
  });
  return new Promise((done) => {
    let [index, elapsed, ended] = [-1, startTimer(), false];
    const end = (answer: T | { died: string; index: number }) => {
      if (ended) return;
      ended = true;
      clearInterval(watch);
      void worker.terminate().then(() => done(answer));
    };
    const fail = (died: string) => end({ died, index: Atomics.load(at, 0) });
    const watch = setInterval(() => {
      const now = Atomics.load(at, 0);
      if (now !== index) [index, elapsed] = [now, startTimer()];
      const mebibytes = process.memoryUsage.rss() / 2 ** 20;
      if (elapsed() > patience) fail(`it hangs: more than ${patience} ms`);
      else if (mebibytes > MEMORY) fail(`it fills the memory: ${Math.round(mebibytes)} MiB`);
    }, 100);
    worker.on("message", end);
    worker.on("error", (error) => fail(`the thread died: ${error.message}`));
    worker.on("exit", () => fail("the thread ended"));
  });
}

interface Stretch {
  reader: Reader;
  from: number;
  to: number;
}

interface Sum extends Tally {
  findings: number;
}

const sums = new Map<string, Sum>(
  readers.map(({ name }) => [name, { inputs: 0, refused: 0, slowest: 0, slowestAt: 0, findings: 0 }]),
);
const each = Math.ceil(inputs / readers.length);
const queue: Stretch[] = readers.flatMap((reader) =>
  Array.from({ length: Math.ceil(each / STRETCH) }, (_, i) => ({
    reader,
    from: first + i * STRETCH,
    to: first + Math.min(each, (i + 1) * STRETCH),
  })),
);
// Readers take turns, so that an interrupted run has seen them all.
queue.sort((a, b) => a.from - b.from);

async function work(): Promise<void> {
  for (let next = queue.shift(); next; next = queue.shift()) await follow(next);
}

/** Reads a stretch; what comes behind a finding is put back into the queue. */
async function follow({ reader, from, to }: Stretch): Promise<void> {
  const answer = await run<Tally & { finding?: Finding }>({ reader: reader.name, seed, from, to });
  const sum = sums.get(reader.name)!;
  let after = to;
  if ("died" in answer) {
    after = answer.index + 1;
    sum.inputs += after - from;
    tell(await shrink(reader, answer.died, answer.index));
  } else {
    sum.inputs += answer.inputs;
    sum.refused += answer.refused;
    if (answer.slowest > sum.slowest) [sum.slowest, sum.slowestAt] = [answer.slowest, answer.slowestAt];
    if (answer.finding) {
      after = answer.finding.index + 1;
      tell(answer.finding);
    }
  }
  if (after < to) queue.push({ reader, from: after, to });
}

/** Makes an input small that takes its thread down: every try needs a thread of its own. */
async function shrink(reader: Reader, what: string, index: number): Promise<Finding> {
  const input = drawInput(reader, reader.seeds(), seed, index);
  const fails = async (bytes: Uint8Array) => {
    const task = { reader: reader.name, seed, from: 0, to: 1, input: bytes };
    return "died" in (await run<Outcome>(task, 2000));
  };
  return { reader: reader.name, seed, index, what, input: await minimise(input, fails, SLOW_TRIES) };
}

/** What was told already, so that one fault does not fill the screen. */
const told = new Set<string>();

function tell({ reader, seed, index, what, input }: Finding): void {
  sums.get(reader)!.findings++;
  const kind = `${reader} ${kindOf(what)}`;
  if (told.has(kind)) return;
  told.add(kind);
  mkdirSync(OUT, { recursive: true });
  const file = `${OUT}/${reader}-${seed}-${index}`;
  writeFileSync(file, input);
  const text = show(input);
  console.error(`\n${reader}, input ${index}: ${what}`);
  console.error(`  ${text.length > 2000 ? `${text.slice(0, 2000)}…` : text}`);
  console.error(`  ${input.length} bytes in ${file}`);
  console.error(`  again: npm run fuzz -- --reader ${reader} --seed ${seed} --from ${index} --inputs 1`);
}

const started = performance.now();
await Promise.all(Array.from({ length: Math.max(1, jobs) }, work));
const seconds = (performance.now() - started) / 1000;
for (const [name, { inputs, refused, slowest, slowestAt, findings }] of sums) {
  const share = inputs > 0 ? Math.round((100 * refused) / inputs) : 0;
  console.log(
    `${name.padEnd(10)} ${String(inputs).padStart(9)} inputs, ${share} % refused, slowest ${slowest.toFixed(0)} ms (input ${slowestAt}), ${findings} findings`,
  );
}
const { user, system } = process.cpuUsage();
console.log(
  `seed ${seed}, ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of processor time`,
);
process.exitCode = [...sums.values()].some(({ findings }) => findings > 0) ? 1 : 0;
