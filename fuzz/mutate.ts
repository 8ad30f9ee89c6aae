/** Seeded damage: to bytes of any kind, to JSON, and words that have broken readers before. */
import type { Random } from "../sdk/random.ts";

/** Inputs are cut to this length: what grows is the reader's doing. */
const LONGEST = 2 ** 16;

/** Names and cells that mean something to an interpreter, a screen, a spreadsheet, a file system or a number parser. */
export const WORDS: readonly string[] = [
  ...[
    "",
    " ",
    "a",
    "b",
    "x y",
    "0",
    "1",
    "-1",
    "+1",
    "007",
    "1.5",
    "2.50",
    "-0",
    ".5",
    "5.",
    "1e5",
    "1E-7",
    "0x10",
  ],
  ...[
    "NaN",
    "nan",
    "NA",
    "?",
    "null",
    "true",
    "false",
    "yes",
    "no",
    "inf",
    "-Infinity",
    "1e999",
    "1e-999",
    "1,5",
  ],
  ...[
    "9007199254740993",
    "179769313486231580793e289",
    "1".repeat(400),
    "0.".padEnd(300, "1"),
    "--1",
    "1-",
    "e5",
  ],
  ...["2020-01-01", "2020-02-30", "0000-00-00", "9999-12-31", "1.2.2020", "12/31/99", "2020-01-01T25:00:00Z"],
  ...["2020-01-01 10:00:00.123456+02:00", "2020-01-01T00:00:00-99:99"],
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "length", "then"],
  ...["../../etc/passwd", "..\\..\\x", "/dev/null", "C:\\x", "file:///etc", "CON", "a/b", ".", "..", "~"],
  ...["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='x", "]]>", "&amp;", "<!--"],
  ...[
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "=cmd|' /C calc'!A0",
    "\t=1",
    "\r=1",
    "%s%n",
    "{{7*7}}",
    "\\",
    "\\n",
  ],
  ...[
    "\u001b[31mred\u001b[0m",
    "\u001b]0;title\u0007",
    "\u009b31m",
    "\u0000",
    "\u0008",
    "\u007f",
    "\u0085",
    "\u2028",
  ],
  ...[
    "\u202eevil\u2066",
    "\u200f",
    "\ufeff",
    "e\u0301",
    "é",
    "ß",
    "İ",
    "中文",
    "🦅",
    "\ud800",
    "a\nb",
    "a\r\nb",
    "a\rb",
  ],
  ...[
    '"',
    '""',
    '"a',
    "'",
    "''",
    "a'b",
    'q"q',
    ",",
    ";",
    "|",
    "\t",
    "%",
    "@data",
    "{",
    "}",
    "[",
    "]",
    "{a,b}",
    "#",
  ],
];

const NUMBERS = [
  0,
  1,
  2,
  7,
  8,
  127,
  128,
  255,
  256,
  32767,
  65535,
  65536,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(items.length)];
}

/** True once in `n` times. */
export function oneIn(random: Random, n: number): boolean {
  return random.integer(n) === 0;
}

/** A number that readers stumble over: small, at the edge of a type, or any. */
export function oddNumber(random: Random): number {
  return oneIn(random, 3) ? random.bits() >>> random.integer(32) : pick(random, NUMBERS);
}

/** A place in a sequence of that length, its end included. */
const place = (random: Random, length: number) => random.integer(length + 1);

type Damage = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

/** `bytes` with those from `from` to `to` replaced. */
function splice(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length - (to - from) + by.length);
  out.set(bytes.subarray(0, from));
  out.set(by, from);
  out.set(bytes.subarray(to), from + by.length);
  return out;
}

/** Two places in order, mostly near each other. */
function range(random: Random, length: number): [number, number] {
  const from = place(random, length);
  const most = oneIn(random, 4) ? length - from : Math.min(length - from, 32);
  return [from, from + place(random, most)];
}

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const out = bytes.slice();
  if (out.length > 0) out[at % out.length] = value;
  return out;
}

const DAMAGES: readonly Damage[] = [
  (bytes, random) => {
    const at = random.bits();
    return set(bytes, at, bytes[at % bytes.length] ^ (1 << random.integer(8)));
  },
  (bytes, random) => set(bytes, random.bits(), random.integer(256)),
  (bytes, random) =>
    set(bytes, random.bits(), pick(random, [0, 1, 9, 10, 13, 32, 34, 39, 44, 92, 127, 128, 255])),
  (bytes, random) => splice(bytes, ...range(random, bytes.length), new Uint8Array(0)),
  (bytes, random) => bytes.slice(0, place(random, bytes.length)),
  (bytes, random) => {
    const [from, to] = range(random, bytes.length);
    const times = pick(random, [1, 1, 2, 10, 1000]);
    const part = bytes.subarray(from, to);
    const repeated = new Uint8Array(Math.min(LONGEST, part.length * times));
    for (let at = 0; at < repeated.length; at++) repeated[at] = part[at % part.length];
    return splice(bytes, from, from, repeated);
  },
  (bytes, random) => {
    const at = place(random, bytes.length);
    return splice(
      bytes,
      at,
      at,
      Uint8Array.from({ length: 1 + random.integer(8) }, () => random.integer(256)),
    );
  },
  (bytes, random, others) => {
    const other = pick(random, others);
    const [from, to] = range(random, other.length);
    return splice(bytes, ...range(random, bytes.length), other.subarray(from, to));
  },
  (bytes, random) => {
    const number = new DataView(new ArrayBuffer(8));
    const width = pick(random, [1, 2, 4, 8]);
    const little = oneIn(random, 2);
    const value = BigInt(oddNumber(random)) * (oneIn(random, 4) ? -1n : 1n);
    number.setBigUint64(0, BigInt.asUintN(64, value), little);
    const from = place(random, Math.max(0, bytes.length - width));
    const start = little ? 0 : 8 - width;
    const by = new Uint8Array(number.buffer, start, width);
    return splice(bytes, from, Math.min(bytes.length, from + width), by);
  },
];

/** A few damages, one after the other; `tokens` are what the format is made of. */
export function damage(
  seed: Uint8Array,
  random: Random,
  others: readonly Uint8Array[],
  tokens: readonly string[] = [],
): Uint8Array {
  let bytes = seed;
  const encoder = new TextEncoder();
  for (let times = 1 + random.integer(pick(random, [1, 4, 8])); times > 0; times--) {
    if (tokens.length > 0 && oneIn(random, 3)) {
      const token = encoder.encode(pick(random, oneIn(random, 2) ? tokens : WORDS));
      bytes = splice(bytes, ...range(random, bytes.length), token);
    } else bytes = pick(random, DAMAGES)(bytes, random, others);
    if (bytes.length > LONGEST) bytes = bytes.slice(0, LONGEST);
  }
  return bytes;
}

/** Any JSON value, words and numbers that trouble among them. */
export function oddJson(random: Random, depth = 3): unknown {
  const kind = random.integer(depth > 0 ? 12 : 8);
  if (kind < 3) return pick(random, WORDS);
  if (kind < 5) return oneIn(random, 2) ? oddNumber(random) : -oddNumber(random) / 7;
  if (kind === 5) return pick(random, [null, true, false, 0, -1, 1.5, 1e308, -1e308, 5e-324]);
  if (kind === 6) return pick(random, [[], {}, "", "x".repeat(5000)]);
  if (kind === 7) return oneIn(random, 8) ? nest(200 + random.integer(20000)) : null;
  const length = random.integer(5);
  if (kind < 10) return Array.from({ length }, () => oddJson(random, depth - 1));
  const object = {};
  for (let i = 0; i < length; i++) own(object, pick(random, WORDS), oddJson(random, depth - 1));
  return object;
}

/** Stands for lists within lists, which `JSON.stringify` would not survive. */
const nest = (depth: number) => `\0nest${depth}`;

/** A value as JSON text. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.replace(/"\\u0000nest(\d{1,5})"/g, (_, depth) => "[".repeat(depth) + "]".repeat(depth));
}

/** Sets an own property, whatever its name. */
function own(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The value with one or a few of its parts replaced, removed, renamed or repeated. */
export function damageJson(value: unknown, random: Random): unknown {
  let damaged = value;
  for (let times = 1 + random.integer(3); times > 0; times--) damaged = damageOnce(damaged, random);
  return damaged;
}

function damageOnce(value: unknown, random: Random): unknown {
  const isObject = typeof value === "object" && value !== null;
  const entries = isObject ? Object.entries(value) : [];
  if (!isObject || oneIn(random, 12)) return oddValue(value, random);
  const at = random.integer(entries.length + 1);
  if (at === entries.length) entries.push([pick(random, WORDS), oddJson(random)]);
  else {
    const [name, item] = entries[at];
    const what = random.integer(10);
    if (what === 0) entries.splice(at, 1);
    else if (what === 1) entries[at] = [pick(random, WORDS), item];
    else if (what === 2) entries.push([pick(random, entries)[0], item]);
    else entries[at] = [name, damageOnce(item, random)];
  }
  if (Array.isArray(value)) return entries.map(([, item]) => item);
  const damaged = {};
  for (const [name, item] of entries) own(damaged, name, item);
  return damaged;
}

/** Something near the value, or something else. */
function oddValue(value: unknown, random: Random): unknown {
  if (typeof value === "number" && oneIn(random, 2)) {
    return pick(random, [value + 1, value - 1, -value, value * 1e9, value / 3, oddNumber(random)]);
  }
  if (typeof value === "string" && oneIn(random, 2)) {
    return oneIn(random, 2) ? value + pick(random, WORDS) : value.slice(0, random.integer(value.length + 1));
  }
  return oddJson(random);
}
