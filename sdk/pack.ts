/**
 * Plain data as bytes, and back to the same bits: objects, lists, texts, numbers (NaN, infinities and −0 too),
 * `undefined`, typed arrays. The structure is JSON, the numbers of arrays follow as they are.
 *
 * | bytes | what |
 * |---|---|
 * | 8 | `MAKEIT` CR LF: a file mangled as text shows at once |
 * | 4, 4 | version; CRC-32 of all that follows |
 * | 8, 8 | lengths of the structure and of the numbers |
 * | … | the structure, padded to a multiple of 8; the numbers, each array at a multiple of 8 |
 */
import { crc32 } from "./checksum.ts";
import { inputError, MakeitError } from "./errors.ts";

const MAGIC = new TextEncoder().encode("MAKEIT\r\n");
/** Counts up when older bytes can no longer be read. */
const PACK_VERSION = 1;
const HEAD = 32;
const CHECKED_FROM = 16;

const KINDS = {
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint16Array,
  Uint32Array,
} as const;
type Kind = keyof typeof KINDS;
type Numbers = InstanceType<(typeof KINDS)[Kind]>;

/** A state is seven deep; what is much deeper could not be packed again. */
const DEEPEST = 64;

/** Lists of numbers this long are written as Float64Array: a long history is no text. */
const LONG = 16;

/**
 * What JSON has no word for is an object with this one key: `null` is undefined, a text a number,
 * `[kind, offset, length]` an array, `{entries}` an object that has this key itself.
 */
const MARK = "$";

/** @throws MakeitError for what is not plain data: functions, class instances, Maps. */
export function pack(value: unknown): Uint8Array {
  const arrays: Numbers[] = [];
  let size = 0;
  const put = (kind: Kind | "list", numbers: Numbers) => {
    const at = size;
    arrays.push(numbers);
    size += padded(numbers.byteLength);
    return { [MARK]: [kind, at, numbers.length] };
  };
  const json = new TextEncoder().encode(JSON.stringify(describe(value, put, "")));
  const start = HEAD + padded(json.length);
  const bytes = new Uint8Array(start + size).fill(32, HEAD, start);
  bytes.set(json, HEAD);
  let at = start;
  for (const numbers of arrays) {
    bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), at);
    at += padded(numbers.byteLength);
  }
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, PACK_VERSION, true);
  view.setBigUint64(16, BigInt(json.length), true);
  view.setBigUint64(24, BigInt(size), true);
  view.setUint32(12, crc32(bytes.subarray(CHECKED_FROM)), true);
  return bytes;
}

/**
 * What `pack` was given.
 * @param name the file, or what stands for it in messages
 * @throws MakeitError for bytes that are damaged, cut short, of another version or of something else
 */
export function unpack(bytes: Uint8Array, name: string): unknown {
  const broken = (what: string) => inputError(`${name} ${what}.`, "Take another copy of it, or delete it.");
  if (bytes.length < HEAD || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw broken("is no file of Makeit's");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== PACK_VERSION) {
    throw inputError(
      `${name} is in version ${version} of its format; this Makeit reads ${PACK_VERSION}.`,
      "Use the version of Makeit that wrote it.",
    );
  }
  const length = Number(view.getBigUint64(16, true));
  const start = HEAD + padded(length);
  const end = start + Number(view.getBigUint64(24, true));
  if (bytes.length < end) throw broken(`is cut short: ${bytes.length} of ${end} bytes`);
  if (bytes.length > end || crc32(bytes.subarray(CHECKED_FROM)) !== view.getUint32(12, true)) {
    throw broken("is damaged: its checksum does not match");
  }
  const json = new TextDecoder().decode(bytes.subarray(HEAD, HEAD + length));
  try {
    return revive(JSON.parse(json), bytes.subarray(start));
  } catch {
    throw broken("is damaged: what it holds has no meaning"); // its checksum was forged
  }
}

function describe(
  value: unknown,
  put: (kind: Kind | "list", numbers: Numbers) => object,
  path: string,
): unknown {
  if (value === undefined) return { [MARK]: null };
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value;
    return { [MARK]: Object.is(value, -0) ? "-0" : String(value) };
  }
  if (ArrayBuffer.isView(value) && Object.hasOwn(KINDS, value.constructor.name)) {
    return put(value.constructor.name as Kind, value as Numbers);
  }
  if (Array.isArray(value)) {
    const long = value.length >= LONG && value.every((item) => typeof item === "number");
    return long
      ? put("list", Float64Array.from(value))
      : Array.from(value, (item, i) => describe(item, put, `${path}[${i}]`));
  }
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) {
    throw new MakeitError(
      "internal",
      `What is at ${path || "the top"} is not plain data and cannot be saved.`,
    );
  }
  const entries = Object.entries(value).map(([key, item]) => [key, describe(item, put, `${path}.${key}`)]);
  return Object.hasOwn(value, MARK) ? { [MARK]: { entries } } : Object.fromEntries(entries);
}

function revive(value: unknown, numbers: Uint8Array, depth = 0): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEEPEST) throw new Error("too deep");
  const inner = (item: unknown) => revive(item, numbers, depth + 1);
  if (Array.isArray(value)) return value.map(inner);
  const object = (entries: [string, unknown][]) =>
    Object.fromEntries(entries.map(([key, item]) => [key, inner(item)]));
  if (!Object.hasOwn(value, MARK)) return object(Object.entries(value));
  const marked = (value as Record<typeof MARK, null | string | unknown[] | { entries: [] }>)[MARK];
  if (marked === null) return undefined;
  if (typeof marked === "string") return Number(marked);
  return Array.isArray(marked) ? reviveArray(marked, numbers) : object(marked.entries);
}

function reviveArray([kind, at, length]: unknown[], numbers: Uint8Array): Numbers | number[] {
  const known = kind === "list" || Object.hasOwn(KINDS, String(kind));
  const Numbers = kind === "list" ? Float64Array : KINDS[kind as Kind];
  const inside = [at, length].every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const from = at as number;
  const to = from + (length as number) * (known ? Numbers.BYTES_PER_ELEMENT : 0);
  if (!known || !inside || to > numbers.length) throw new Error("no such array");
  // A copy of its own: aligned, and free to be handed to another thread.
  const array = new Numbers(new Uint8Array(numbers.subarray(from, to)).buffer);
  return kind === "list" ? Array.from(array) : array;
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
