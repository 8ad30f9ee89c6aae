import { inputError, MakeitError } from "../errors.ts";
import { checkUnpacked } from "./limits.ts";

/** Text handed to the parsers is cut into pieces of this many characters. */
const PIECE = 2 ** 20;

/** Bytes that arrive in pieces, with a look at the first of them. */
export interface Opened {
  readonly head: Uint8Array;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Opens bytes of any kind, unpacking gzip wherever its magic number stands. */
export async function openBytes(
  source: Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>,
  table: string,
): Promise<Opened> {
  const opened = await peek(pieces(source));
  if (opened.head[0] !== 0x1f || opened.head[1] !== 0x8b) return opened;
  return peek(gunzip(opened.chunks, table));
}

function pieces(
  source: Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>,
): AsyncIterable<Uint8Array> {
  if (source instanceof ReadableStream) return read(source);
  if (source instanceof Blob) return read(source.stream());
  const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
  return (async function* () {
    for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
  })();
}

/** A stream's pieces; the stream is let go when the caller stops early. */
async function* read(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let done = false;
  try {
    for (;;) {
      const piece = await reader.read();
      done = piece.done;
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    if (!done) await reader.cancel().catch(() => undefined);
  }
}

/** At least 512 bytes (if there are so many) of what is to come, and all of it. */
async function peek(chunks: AsyncIterable<Uint8Array>): Promise<Opened> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < 512) {
    const next = await iterator.next();
    if (next.done) break;
    first.push(next.value);
    length += next.value.length;
  }
  const head = join(first);
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, chunks: all() };
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>, table: string): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let upstream: unknown;
  let [taken, given] = [0, 0];
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const next = await iterator.next();
        if (next.done) controller.close();
        else {
          taken += next.value.length;
          controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
        }
      } catch (error) {
        upstream = error;
        controller.error(error);
      }
    },
  });
  try {
    for await (const piece of read(packed.pipeThrough(new DecompressionStream("gzip")))) {
      given += piece.length;
      checkUnpacked(given, taken, table);
      yield piece;
    }
  } catch (error) {
    if (upstream) throw upstream;
    if (error instanceof MakeitError) throw error;
    throw inputError(
      `${table} is not a whole gzip file (${error instanceof Error ? error.message : error}).`,
      "It was cut short or damaged on the way: fetch or pack it again.",
    );
  }
}

/** All pieces in one array. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return join(all);
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Decodes UTF-8 piece by piece (a byte order mark is dropped). */
export async function* decodeText(chunks: AsyncIterable<Uint8Array>, table: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let tail: Uint8Array = new Uint8Array(0);
  let offset = 0;
  let line = 1;
  for await (const chunk of chunks) {
    const bytes = tail.length > 0 ? join([tail, chunk]) : chunk;
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: true });
    } catch {
      const utf16 = offset === 0 && bytes[0] >= 0xfe;
      throw bytes.includes(0) && !utf16 ? binary(table) : notUtf8(table, bytes, offset, line);
    }
    if (text.includes("\0")) throw binary(table);
    yield text;
    line += newlines(chunk);
    tail = bytes.slice(bytes.length - unfinished(bytes));
    offset += bytes.length - tail.length;
  }
  if (tail.length > 0) throw notUtf8(table, tail, offset, line);
}

function binary(table: string): Error {
  return inputError(`${table} is binary, not text.`, "Give CSV, TSV, JSON lines, ARFF, KEEL or Parquet.");
}

/** `offset` and `line` are those of the first of `bytes`. */
function notUtf8(table: string, bytes: Uint8Array, offset: number, line: number): Error {
  const bad = firstInvalid(bytes);
  const utf16 = offset + bad === 0 && bytes[0] >= 0xfe;
  line += newlines(bytes.subarray(0, bad));
  return inputError(
    `${table} is not UTF-8: byte ${offset + bad} (line ${line}) is 0x${bytes[bad].toString(16)}.`,
    `Convert it, for example: iconv -f ${utf16 ? "UTF-16" : "WINDOWS-1252"} -t UTF-8 FILE > NEW.`,
  );
}

function newlines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

/** How many of the last bytes begin a character that the next piece completes. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

function firstInvalid(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return bytes.length - 1;
}

/** Bytes of the character at `at`; 0 when it is not well-formed UTF-8 (Unicode 15, table 3-7). */
function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (!(bytes[at + 1] >= least && bytes[at + 1] <= most)) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  return length;
}
