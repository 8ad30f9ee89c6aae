/** Parquet files with numbers changed in what they say about themselves, which mere bytes would seldom hit. */
import type { Random } from "../sdk/random.ts";
import { damage, oddNumber, oneIn, pick } from "./mutate.ts";

/** A number in a description: a value, the length of a list, the length of bytes. */
interface Spot {
  at: number;
  length: number;
}

/** Walks a struct of Thrift's compact protocol. @returns where it ends */
function walk(bytes: Uint8Array, at: number, spots: Spot[]): number {
  const varint = () => {
    const from = at;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128 || byte === undefined) break;
    }
    spots.push({ at: from, length: at - from });
    return value;
  };
  const value = (type: number) => {
    if (type === 3) at++;
    else if (type >= 4 && type <= 6) varint();
    else if (type === 7) at += 8;
    else if (type === 8) at += varint();
    else if (type === 12) at = walk(bytes, at, spots);
    else if (type === 9) {
      const head = bytes[at++];
      let length = head >> 4;
      if (length === 15) length = varint();
      for (; length > 0; length--) head % 16 > 2 ? value(head % 16) : at++;
    }
  };
  for (;;) {
    const head = bytes[at++];
    if (head === undefined || head % 16 === 0) return at;
    if (head >> 4 === 0) varint();
    if (head % 16 > 2) value(head % 16);
  }
}

/** `value` in seven-bit groups; as long as `length` where it fits, for a longer one moves everything behind it. */
function varint(value: number, length: number): Uint8Array {
  const bytes: number[] = [];
  do {
    bytes.push(value % 128);
    value = Math.floor(value / 128);
  } while (value > 0 || bytes.length < length);
  return Uint8Array.from(bytes, (byte, i) => (i < bytes.length - 1 ? byte + 128 : byte));
}

/** The file with a number of its footer or of a page's header replaced, and the footer's length made to fit. */
export function damageParquet(seed: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  if (oneIn(random, 3)) return damage(seed, random, others);
  let file = seed;
  for (let times = 1 + random.integer(3); times > 0; times--) file = damageNumber(file, random);
  return oneIn(random, 6) ? damage(file, random, others) : file;
}

function damageNumber(file: Uint8Array, random: Random): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const footer = file.length - 8 - view.getUint32(file.length - 8, true);
  if (footer < 4 || footer > file.length) return file;
  const inFooter = oneIn(random, 2);
  const spots: Spot[] = [];
  if (inFooter) walk(file, footer, spots);
  else walkPages(file, footer, spots);
  const inside = spots.filter(({ at, length }) => at + length <= file.length - 8);
  if (inside.length === 0) return file;
  const { at, length } = pick(random, inside);
  const by = varint(oddNumber(random), length);
  const out = new Uint8Array(file.length - length + by.length);
  out.set(file.subarray(0, at));
  out.set(by, at);
  out.set(file.subarray(at + length), at + by.length);
  const described = file.length - 8 - footer + (inFooter ? by.length - length : 0);
  new DataView(out.buffer).setUint32(out.length - 8, described, true);
  return out;
}

/** The headers of pages, and the bytes behind them: lengths of levels and runs. */
function walkPages(file: Uint8Array, end: number, spots: Spot[]): void {
  for (let at = 4; at < end; ) {
    const numbers: Spot[] = [];
    const next = walk(file, at, numbers);
    if (next > end || numbers.length < 3) return;
    spots.push(...numbers);
    for (let i = 0; i < Math.min(8, end - next); i++) spots.push({ at: next + i, length: 1 });
    const [, , packed] = numbers;
    let size = 0;
    for (let i = packed.length - 1; i >= 0; i--) size = size * 128 + (file[packed.at + i] & 127);
    at = next + size / 2;
  }
}
