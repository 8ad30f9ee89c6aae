// The sorts behind trees and ranking metrics, and the metrics that need a sort.
import { cleanF32 } from "./clean";

/** The key of `x` as an unsigned integer of the same order (IEEE 754 bits, the sign folded in). */
@inline
export function orderedF32(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  return bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
}

/** The key of the f32 at `from`, made finite: bits tell what need not be, and `min` and `max` are slow. */
@inline
export function keyAt(from: usize): u32 {
  const bits = load<u32>(from);
  const finite = bits << 1 < 0xff000000 && bits != 0x80000000;
  return orderedF32(finite ? reinterpret<f32>(bits) : cleanF32(reinterpret<f32>(bits)));
}

/** The inverse of `orderedF32`. */
@inline
export function fromOrderedF32(key: u32): f32 {
  return reinterpret<f32>(key ^ (<u32>(<i32>~key >> 31) | 0x80000000));
}

@inline
function orderedF64(x: f64): u64 {
  const bits = reinterpret<u64>(x + 0); // −0 and 0 are one score
  return bits ^ (<u64>(<i64>bits >> 63) | 0x8000000000000000);
}

const DIGITS: usize = 2048;

/** Bytes that `radixSort` needs beside its two arrays. */
export const RADIX_BYTES: usize = DIGITS << 2;

/**
 * Sorts the `length` u64 at `a` by their bits `from` … 63, stably, least digit first; `b` is as long as `a`,
 * `counts` holds RADIX_BYTES. Digits have 8 bits for short arrays, where clearing the counts would dominate, else 11.
 */
export function radixSort(a: usize, b: usize, length: i32, from: u64, counts: usize): void {
  const width: u64 = length < 4096 ? 8 : 11;
  const mask: u64 = (1 << width) - 1;
  const bytes = <usize>length << 3;
  let source = a;
  let target = b;
  for (let shift = from; shift < 64; shift += width) {
    memory.fill(counts, 0, <usize>(mask + 1) << 2);
    for (let at: usize = source, end = source + bytes; at < end; at += 8) {
      const slot = counts + (<usize>((load<u64>(at) >> shift) & mask) << 2);
      store<u32>(slot, load<u32>(slot) + 1);
    }
    // One digit for all: the pass would move nothing.
    const first = counts + (<usize>((load<u64>(source) >> shift) & mask) << 2);
    if (load<u32>(first) == <u32>length) continue;
    let sum: u32 = 0;
    for (let slot = counts, end = counts + (<usize>(mask + 1) << 2); slot < end; slot += 4) {
      const count = load<u32>(slot);
      store<u32>(slot, sum);
      sum += count;
    }
    for (let at: usize = source, end = source + bytes; at < end; at += 8) {
      const entry = load<u64>(at);
      const slot = counts + (<usize>((entry >> shift) & mask) << 2);
      const place = load<u32>(slot);
      store<u32>(slot, place + 1);
      store<u64>(target + (<usize>place << 3), entry);
    }
    const swap = source;
    source = target;
    target = swap;
  }
  if (source != a) memory.copy(a, source, bytes);
}

/** Scratch bytes of `roc_auc` and `average_precision`. */
export function ranking_bytes(rows: i32): usize {
  return (<usize>rows << 4) + RADIX_BYTES;
}

/** Splits scores (rows) into sorted keys: those of the negatives at `keys`, of the positives behind. Returns the negatives. */
function sortedByClass(scores: usize, positive: usize, rows: i32, keys: usize): i32 {
  let negatives = 0;
  for (let i = 0; i < rows; i++) negatives += i32(load<u8>(positive + i) == 0);
  let low = keys;
  let high = keys + (<usize>negatives << 3);
  for (let i = 0; i < rows; i++) {
    const key = orderedF64(f64.load(scores + (<usize>i << 3)));
    if (load<u8>(positive + i)) {
      store<u64>(high, key);
      high += 8;
    } else {
      store<u64>(low, key);
      low += 8;
    }
  }
  const other = keys + (<usize>rows << 3);
  const counts = other + (<usize>rows << 3);
  if (negatives > 0) radixSort(keys, other, negatives, 0, counts);
  if (negatives < rows) radixSort(keys + (<usize>negatives << 3), other, rows - negatives, 0, counts);
  return negatives;
}

// roc_auc = P(score of a positive > score of a negative) + ½ P(equal), over scores f64 (rows), positive u8 (rows);
// both classes occur
export function roc_auc(scores: usize, positive: usize, rows: i32, scratch: usize): f64 {
  const negatives = sortedByClass(scores, positive, rows, scratch);
  const middle = scratch + (<usize>negatives << 3);
  const end = scratch + (<usize>rows << 3);
  let twice: f64 = 0; // 2 per pair in order, 1 per tie: whole numbers, exact
  let below: usize = scratch;
  let upTo: usize = scratch;
  for (let at: usize = middle; at < end; at += 8) {
    const key = load<u64>(at);
    while (below < middle && load<u64>(below) < key) below += 8;
    if (upTo < below) upTo = below;
    while (upTo < middle && load<u64>(upTo) == key) upTo += 8;
    twice += <f64>((below - scratch) >> 3) + <f64>((upTo - scratch) >> 3);
  }
  return twice / (2 * <f64>negatives * <f64>(rows - negatives));
}

// average_precision = Σ over distinct scores, highest first, of (gain in recall) · precision; a positive occurs
export function average_precision(scores: usize, positive: usize, rows: i32, scratch: usize): f64 {
  const negatives = sortedByClass(scores, positive, rows, scratch);
  const middle = scratch + (<usize>negatives << 3);
  const end = scratch + (<usize>rows << 3);
  let sum: f64 = 0;
  let low = middle;
  let high = end;
  while (high > middle) {
    const key = load<u64>(high - 8);
    const before = high;
    while (high > middle && load<u64>(high - 8) == key) high -= 8;
    while (low > scratch && load<u64>(low - 8) >= key) low -= 8;
    const truePositives = <f64>((end - high) >> 3);
    const falsePositives = <f64>((middle - low) >> 3);
    sum += (<f64>((before - high) >> 3) * truePositives) / (truePositives + falsePositives);
  }
  return sum / <f64>(rows - negatives);
}
