// A tree over many rows of two classes, every weight 1, by Gini: the splits of tree.ts, without sorting whole columns.
// Columns are counted by bins, some thousand each. A cut between two bins is judged by these counts. The cost of a cut is
// concave in the rows left of it, so that a cut within a bin costs no less than the lower of two corners: all of the bin's
// positives left and nothing else of it, or the reverse. Only bins that may beat the best cut are sorted, in their node.
import { below, costBelow, keepSides, keepWeights, lowest, minLeaf, scanPart, takeCut, tallied, tolerance } from "./cuts";
import { keyAt, radixSort } from "./ranking";

/** Below this, and with fewer rows to a leaf than there are bins, sorting is sooner done. */
const FEWEST = 16384;
const BINS: usize = 2048; // of a column, at most
const TARGET: i32 = 1000; // bins of as many rows: two neighbours have more than one's share between them
const STRETCHES: usize = 32768; // of a column's keys, evenly; they make up the bins
const HEAVY: u32 = 4; // shares in one bin: it may hold a single value
const FLAG: u64 = 1 << 63; // a bin that is to be sorted

let rows: i32;
let features: i32;
let keys: usize; // u32 (features, rows): the values, as whole numbers of the same order
let codes: usize; // u16 (features, rows): their bins
let tallies: usize; // u64 (features, BINS): a node's rows by bin, the positives in the upper half
let alike: usize; // u8 (features, BINS): 1 where a bin is known to hold a single value
let list: usize; // u32 (rows): the rows, node by node, and their class below
let spare: usize; // u32 (rows)
let entries: usize; // u64 (rows): what is sorted after all, as in tree.ts; before that, the counts of the stretches
let scratch: usize; // u64 (rows)
let counters: usize; // of the sort

let feature: i32; // the best cut's column,
let code: u32; // the bin behind which it lies,
let within: bool; // or inside of which

/**
 * Puts the values into bins, where that is worth it. `orders` has 8 bytes a value, `atList`, `atEntries` and `atScratch` 8 a
 * row, `atCounters` one. Returns false where rows are few, or a bin has too many of different values: they are better sorted.
 */
export function fillBins(
  x: usize, y: usize, ofRows: i32, ofFeatures: i32, maxDepth: i32,
  orders: usize, atList: usize, atEntries: usize, atScratch: usize, atCounters: usize,
): bool {
  if (ofRows < FEWEST || ofFeatures == 0 || maxDepth > 15 || ofRows >> maxDepth < TARGET) return false;
  rows = ofRows;
  features = ofFeatures;
  keys = orders;
  codes = keys + ((<usize>rows * features) << 2);
  tallies = (codes + ((<usize>rows * features) << 1) + 7) & ~7;
  alike = tallies + ((BINS * features) << 3);
  list = atList;
  spare = list + (<usize>rows << 2);
  entries = atEntries;
  scratch = atScratch;
  counters = atCounters;
  const column = <usize>rows << 2;
  for (let i = 0; i < rows; i++) {
    store<u32>(list + (<usize>i << 2), (i << 1) | i32.load(y + (<usize>i << 2)));
    let to = keys + (<usize>i << 2);
    const from = x + ((<usize>i * features) << 2);
    for (let j = 0; j < features; j++, to += column) {
      store<u32>(to, keyAt(from + (<usize>j << 2)));
    }
  }
  memory.fill(alike, 0, BINS * features);
  for (let j = 0; j < features; j++) if (!fillColumn(j)) return false;
  keepWeights(rows, true);
  return true;
}

@inline
function keysOf(j: i32): usize {
  return keys + ((<usize>j * rows) << 2);
}

@inline
function codesOf(j: i32): usize {
  return codes + ((<usize>j * rows) << 1);
}

@inline
function talliesOf(j: i32): usize {
  return tallies + ((BINS * j) << 3);
}

@inline
function entryAt(i: i32): usize {
  return list + (<usize>i << 2);
}

@inline
function highestLane(v: v128): u32 {
  const two = i32x4.max_u(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return max(<u32>i32x4.extract_lane(two, 0), <u32>i32x4.extract_lane(two, 1));
}

/** The bins of a column: as many neighbouring stretches of keys as have a bin's share of the rows, or one that has more. */
function fillColumn(j: i32): bool {
  const first = keys + ((<usize>j * rows) << 2);
  const last = first + (<usize>rows << 2);
  let lows = v128.load(first);
  let highs = lows;
  for (let at = first; at < last; at += 16) {
    const four = v128.load(min(at, last - 16)); // the last ones overlap
    lows = i32x4.min_u(lows, four);
    highs = i32x4.max_u(highs, four);
  }
  const low = ~highestLane(v128.not(lows));
  const high = highestLane(highs);
  const shift = <u32>max(0, 17 - <i32>clz(high - low)); // leaves 15 bits of the largest difference
  const stretches = entries;
  memory.fill(stretches, 0, STRETCHES << 2);
  for (let at = first; at < last; at += 4) {
    const slot = stretches + (<usize>((load<u32>(at) - low) >> shift) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  const share = <u32>(rows / TARGET);
  const sizes = scratch; // u32 (BINS)
  let bin: u32 = 0;
  let held: u32 = 0;
  let most: u32 = 0;
  for (let slot = stretches, end = stretches + (STRETCHES << 2); slot < end; slot += 4) {
    const count = load<u32>(slot);
    if (held > 0 && held + count > share) {
      bin += 1;
      held = 0;
    }
    store<u32>(slot, bin);
    held += count;
    store<u32>(sizes + (<usize>bin << 2), held);
    most = max(most, count);
  }
  let to = codes + ((<usize>j * rows) << 1);
  for (let at = first; at < last; at += 4, to += 2) {
    store<u16>(to, load<u32>(stretches + (<usize>((load<u32>(at) - low) >> shift) << 2)));
  }
  return most <= HEAVY * share || findAlike(j, sizes);
}

/** Looks which bins hold a single value. Returns false where one that does not has very many rows. */
function findAlike(j: i32, sizes: usize): bool {
  const some = talliesOf(j); // u32 (BINS): the last key of each bin
  const same = alike + BINS * j;
  const first = keysOf(j);
  const last = first + (<usize>rows << 2);
  memory.fill(same, 1, BINS);
  let code = codesOf(j);
  for (let at = first; at < last; at += 4, code += 2) store<u32>(some + (<usize>load<u16>(code) << 2), load<u32>(at));
  code = codesOf(j);
  for (let at = first; at < last; at += 4, code += 2) {
    const bin = <usize>load<u16>(code);
    if (load<u32>(at) == load<u32>(some + (bin << 2))) continue;
    if (load<u32>(sizes + (bin << 2)) > <u32>rows >> 4) return false;
    store<u8>(same + bin, 0);
  }
  return true;
}

/** Counts a node's rows by class; returns how many classes they have. */
export function tallyRows(start: i32, end: i32): i32 {
  let positives = 0;
  for (let at = entryAt(start), last = entryAt(end); at < last; at += 4) positives += load<u32>(at) & 1;
  return tallied(end - start, positives);
}

/** Looks for the best cut of a node's rows, as tree.ts would find it. Returns its feature, or −1. */
export function searchBins(start: i32, end: i32): i32 {
  feature = -1;
  for (let j = 0; j < features; j++) cutBetween(j, start, end);
  for (let j = 0; j < features; j++) {
    const flagged = flagBins(j, end - start);
    if (flagged > 0) cutWithin(j, start, end, flagged);
  }
  return feature;
}

/** Counts a column by bins and looks for the best cut between two of them. */
function cutBetween(j: i32, start: i32, end: i32): void {
  const column = talliesOf(j);
  const codes = codesOf(j);
  memory.fill(column, 0, BINS << 3);
  for (let from = entryAt(start), last = entryAt(end); from < last; from += 4) {
    const row = <usize>load<u32>(from);
    const at = column + (<usize>load<u16>(codes + (row & ~1)) << 3);
    store<u64>(at, load<u64>(at) + (1 | (<u64>(row & 1) << 32)));
  }
  const rows = end - start;
  let left = 0;
  let positive = 0;
  for (let bin: u32 = 0; rows - left >= minLeaf; bin++) {
    const tally = load<u64>(column + (<usize>bin << 3));
    if (tally == 0) continue;
    if (left >= minLeaf && takeCut(left, positive, lowest - tolerance)) {
      feature = j;
      code = bin - 1;
      within = false;
    }
    left += <i32>tally;
    positive += <i32>(tally >> 32);
  }
}

/** What a cut in a bin, or before it, must be below: of equal ones the first is taken, by feature, then by value. */
@inline
function barOf(j: i32, bin: u32): f64 {
  const earlier = j < feature || (j == feature && bin <= code);
  return earlier ? lowest + tolerance : lowest - tolerance;
}

/** Marks the bins that may hold a better cut than the best; returns how many rows they have. */
function flagBins(j: i32, rows: i32): i32 {
  let flagged = 0;
  let left = 0;
  let positive = 0;
  let at = talliesOf(j);
  for (let bin: u32 = 0; left < rows; bin++, at += 8) {
    const tally = load<u64>(at);
    const count = <i32>tally;
    const ones = <i32>(tally >> 32);
    if (count > 1 && load<u8>(alike + BINS * j + bin) == 0) {
      const bar = barOf(j, bin);
      if (costBelow(left + ones, positive + ones, bar) || costBelow(left + count - ones, positive, bar)) {
        store<u64>(at, tally | FLAG);
        flagged += count;
      }
    }
    left += count;
    positive += ones;
  }
  return flagged;
}

/** Sorts the rows of the marked bins and looks for the best cut inside of one. */
function cutWithin(j: i32, start: i32, end: i32, flagged: i32): void {
  const column = talliesOf(j);
  const codes = codesOf(j);
  const keys = keysOf(j);
  let to = entries;
  for (let from = entryAt(start), last = entryAt(end); from < last; from += 4) {
    const row = <usize>load<u32>(from);
    if (load<i64>(column + (<usize>load<u16>(codes + (row & ~1)) << 3)) >= 0) continue;
    store<u64>(to, (<u64>load<u32>(keys + ((row & ~1) << 1)) << 32) | row);
    to += 8;
  }
  radixSort(entries, scratch, flagged, 32, counters);
  let left = 0;
  let positive = 0;
  let first = entries;
  for (let bin: u32 = 0; first < to; bin++) {
    const tally = load<u64>(column + (<usize>bin << 3));
    const count = <i32>tally;
    if (tally & FLAG) {
      const next = first + (<usize>count << 3);
      if (scanPart(first, next - 8, left, positive, barOf(j, bin))) {
        feature = j;
        code = bin;
        within = true;
      }
      first = next;
    }
    left += count;
    positive += <i32>((tally & ~FLAG) >> 32);
  }
}

/** Moves the rows left of the best cut before the others, each side in its order; returns where the others begin. */
export function partitionBins(start: i32, end: i32): i32 {
  if (!within) findSides(start, end);
  const keys = keysOf(feature);
  let left = entryAt(start);
  let right = spare;
  for (let from = left, last = entryAt(end); from < last; from += 4) {
    const row = load<u32>(from);
    const isLeft = <usize>(load<u32>(keys + (<usize>(row & ~1) << 1)) <= below);
    store<u32>(left, row);
    store<u32>(right, row);
    left += isLeft << 2;
    right += (1 - isLeft) << 2;
  }
  memory.copy(left, spare, right - spare);
  return <i32>((left - list) >> 2);
}

/** The node's keys at either side of a cut between bins. */
function findSides(start: i32, end: i32): void {
  let low: u32 = 0;
  let high: u32 = 0xffffffff;
  const keys = keysOf(feature);
  const codes = codesOf(feature);
  for (let from = entryAt(start), last = entryAt(end); from < last; from += 4) {
    const row = <usize>(load<u32>(from) & ~1);
    const key = load<u32>(keys + (row << 1));
    if (load<u16>(codes + row) <= <u16>code) low = max(low, key);
    else high = min(high, key);
  }
  keepSides(low, high);
}
