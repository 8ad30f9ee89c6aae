/** Draws inputs, reads them, judges what happened, and makes what failed as small as it can. */
import { MakeitError } from "../sdk/errors.ts";
import { checkPrototypes } from "./check.ts";
import { drawInput, type Reader } from "./readers.ts";

/** No input of this size may take longer, in milliseconds. */
const LONGEST = 1000;
/** Further readings of an input that took too long. */
const AGAIN = 4;
/** Readings that the search for a smaller input may take. */
const TRIES = 2000;

export interface Outcome {
  /** What is wrong; undefined: nothing. */
  finding?: string;
  refused: boolean;
  milliseconds: number;
}

/** Reads an input and says whether anything but a table or a proper refusal came of it. */
export async function judge(reader: Reader, bytes: Uint8Array): Promise<Outcome> {
  let outcome = await judgeOnce(reader, bytes);
  let least = outcome.milliseconds;
  // The other threads' time counts too: only what is slow each time is slow.
  for (let again = 0; again < AGAIN && least >= LONGEST && !outcome.finding; again++) {
    outcome = await judgeOnce(reader, bytes);
    least = Math.min(least, outcome.milliseconds);
  }
  const slow = least >= LONGEST ? `it took ${Math.round(least)} ms` : undefined;
  return { ...outcome, finding: outcome.finding ?? slow, milliseconds: least };
}

/** Milliseconds from now on, of the clock or of the process, whichever are fewer: others may have the processor. */
export function startTimer(): () => number {
  const [started, before] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.min(performance.now() - started, (user + system) / 1000);
  };
}

async function judgeOnce(reader: Reader, bytes: Uint8Array): Promise<Outcome> {
  const elapsed = startTimer();
  let [finding, refused]: [string | undefined, boolean] = [undefined, false];
  try {
    // A copy, so that a reader that writes into its input shows.
    const given = bytes.slice();
    await reader.read(given);
  } catch (error) {
    refused = true;
    finding = wrongError(error);
  }
  const milliseconds = elapsed();
  try {
    checkPrototypes();
  } catch (error) {
    finding ??= (error as Error).message;
  }
  return { finding, refused, milliseconds };
}

/** What is wrong with an error; undefined when it tells the user what to mend. */
function wrongError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return `${String(error)} was thrown`;
  const { message, stack } = error;
  if (!(error instanceof MakeitError))
    return `${error.name}: ${message}\n${stack?.split("\n").slice(1, 5).join("\n")}`;
  if (error.code !== "input") return `a MakeitError of code ${error.code}: ${message}`;
  const said = `${message} ${error.hint}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(said))
    return `a message with control characters: ${said}`;
  if (message.length < 10 || message.length > 1100) return `a message of ${message.length} letters`;
  if (/undefined|\[object|NaN rows|is not a function|Cannot read|\bat .*:\d+:\d+/.test(message)) {
    return `a message that says nothing: ${message}`;
  }
  return undefined;
}

export interface Finding {
  reader: string;
  seed: number;
  index: number;
  what: string;
  input: Uint8Array;
}

export interface Tally {
  inputs: number;
  refused: number;
  /** The longest time, in milliseconds, and which input took it. */
  slowest: number;
  slowestAt: number;
}

/** Reads inputs `from` to `to`. @returns how they went, and the first finding made small */
export async function hunt(
  reader: Reader,
  {
    seed,
    from = 0,
    to,
    onInput = () => {},
  }: { seed: number; from?: number; to: number; onInput?: (index: number) => void },
): Promise<Tally & { finding?: Finding }> {
  const seeds = reader.seeds();
  const tally: Tally = { inputs: 0, refused: 0, slowest: 0, slowestAt: from };
  for (let index = from; index < to; index++) {
    onInput(index);
    const input = drawInput(reader, seeds, seed, index);
    const { finding, refused, milliseconds } = await judge(reader, input);
    tally.inputs++;
    if (refused) tally.refused++;
    if (milliseconds > tally.slowest) [tally.slowest, tally.slowestAt] = [milliseconds, index];
    if (finding === undefined) continue;
    const kind = kindOf(finding);
    const small = await minimise(input, async (bytes) => {
      const outcome = await judge(reader, bytes);
      return outcome.finding !== undefined && kindOf(outcome.finding) === kind;
    });
    const what = (await judge(reader, small)).finding ?? finding;
    return { ...tally, finding: { reader: reader.name, seed, index, what, input: small } };
  }
  return tally;
}

/** A finding without what differs from input to input. */
export function kindOf(finding: string): string {
  return finding
    .split("\n")[0]
    .replace(/"[^"]*"|\d+/g, "…")
    .slice(0, 60);
}

/** The smallest input found that still fails: parts are left out, large ones first, then bytes made plain. */
export async function minimise(
  input: Uint8Array,
  fails: (bytes: Uint8Array) => Promise<boolean>,
  tries = TRIES,
): Promise<Uint8Array> {
  let best = input;
  const attempt = async (bytes: Uint8Array) => {
    if (tries-- <= 0 || !(await fails(bytes))) return false;
    best = bytes;
    return true;
  };
  for (let size = Math.ceil(best.length / 2); size >= 1 && tries > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && tries > 0; ) {
      if (!(await attempt(without(best, at, size)))) at += size;
    }
  }
  for (let at = 0; at < best.length && tries > 0; at++) {
    if (best[at] !== 97) await attempt(best.map((byte, i) => (i === at ? 97 : byte)));
  }
  return best;
}

function without(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const rest = bytes.subarray(at + length);
  const out = new Uint8Array(at + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(rest, at);
  return out;
}

/** An input to look at: as text where it is text, else in base 64. */
export function show(input: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(input);
    if (!text.includes("\0")) return JSON.stringify(text);
  } catch {}
  return `base64 ${Buffer.from(input).toString("base64")}`;
}
