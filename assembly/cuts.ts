// What a tree's node knows of its cuts: weights by class, impurities, and the scans that look for the best cut in a sorted
// column. An entry of a column is 8 bytes: the value's ordered key above, the row and its class below, so that a scan
// streams through memory.

const ENTROPY = 1;

let classes: i32;
let classBits: u32;
let classMask: u64;
let criterion: i32;
let unweighted: bool;
let weights: usize; // f64 (rows)
let counts: usize; // f64 (classes): the node's weight by class
let lefts: usize; // f64 (classes): the same left of the scan
let multiples: usize; // f64 (kept + 1): n log₂ n, entropy of unweighted rows

export let minLeaf: i32;
export let total: f64; // the node's weight
export let tolerance: f64; // a cut must be better than the best by this: rounding does not decide between equals
export let lowest: f64; // Σ over both children of weight · impurity, at the best cut so far
export let below: u32; // keys at either side of the best cut
export let above: u32;

/** Begins a tree. Sums go to `atCounts`, f64 (2, classes). */
export function openCuts(
  outputs: i32, entropy: i32, leaf: i32, atWeights: usize, atCounts: usize, atMultiples: usize,
): void {
  classes = outputs;
  classBits = bitsOf(outputs);
  classMask = (1 << classBits) - 1;
  criterion = entropy;
  minLeaf = leaf;
  weights = atWeights;
  counts = atCounts;
  lefts = counts + (<usize>outputs << 3);
  multiples = atMultiples;
}

/** Says that it has `kept` rows and, with `plain`, that all their weights are 1. */
export function keepWeights(kept: i32, plain: bool): void {
  unweighted = plain;
  if (criterion != ENTROPY || !unweighted) return;
  for (let n = 1; n <= kept; n++) f64.store(multiples + (<usize>n << 3), <f64>n * Math.log2(<f64>n));
}

/** Bits of an entry that hold the class. */
@inline
export function bitsOf(outputs: i32): u32 {
  return 32 - clz<i32>(outputs - 1);
}

@inline
function classOf(entry: u64): usize {
  return <usize>(entry & classMask) << 3;
}

@inline
export function rowOf(entry: u64): usize {
  return <usize>(<u32>entry >> classBits);
}

@inline
function keyOf(entry: u64): u32 {
  return <u32>(entry >> 32);
}

/** Sums the weight of the entries from `first` to before `last`, in all and by class; returns how many classes they have. */
export function tally(first: usize, last: usize): i32 {
  memory.fill(counts, 0, <usize>classes << 3);
  for (let at = first; at < last; at += 8) {
    const entry = load<u64>(at);
    const slot = counts + classOf(entry);
    f64.store(slot, f64.load(slot) + (unweighted ? 1 : f64.load(weights + (rowOf(entry) << 3))));
  }
  total = 0;
  let kinds = 0;
  for (let k = 0; k < classes; k++) kinds += add(f64.load(counts + (<usize>k << 3)));
  return kinds;
}

/** The same of two classes whose rows have been counted. */
export function tallied(rows: i32, positives: i32): i32 {
  f64.store(counts, <f64>(rows - positives));
  f64.store(counts, <f64>positives, 8);
  total = 0;
  return add(<f64>(rows - positives)) + add(<f64>positives);
}

@inline
function add(count: f64): i32 {
  total += count;
  return i32(count > 0);
}

// Gini 1 − Σ p²; entropy −Σ p log₂ p
export function impurity(): f64 {
  let sum: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const p = f64.load(counts + (<usize>k << 3)) / total;
    if (criterion != ENTROPY) sum += p * p;
    else if (p > 0) sum -= p * Math.log2(p);
  }
  return criterion == ENTROPY ? sum : 1 - sum;
}

/** Begins the search for a node's best cut. */
export function search(): void {
  lowest = Infinity;
  tolerance = 1e-10 * total;
}

/**
 * Looks for a better cut of a column's entries from `first` to `last`: between different values, minLeaf rows on each side.
 * Returns the entry left of it, or 0.
 */
export function scan(first: usize, last: usize): usize {
  if (keyOf(load<u64>(first)) == keyOf(load<u64>(last))) return 0;
  const earliest = first + (<usize>(minLeaf - 1) << 3); // the last row on the left, at the earliest
  const latest = last - (<usize>minLeaf << 3);
  let at: usize;
  if (criterion == ENTROPY) at = scanEntropy(first, earliest, latest);
  else if (classes > 2) at = scanGini(first, earliest, latest);
  else if (unweighted) at = scanPlain(first, earliest, latest, 0, 0, lowest - tolerance);
  else at = scanPair(first, earliest, latest);
  if (at == 0) return 0;
  keepSides(keyOf(load<u64>(at)), keyOf(load<u64>(at + 8)));
  return at;
}

/** The same for some entries of a column of two classes, every weight 1: `left` rows, `positive` of them, come before them. */
export function scanPart(first: usize, last: usize, left: f64, positive: f64, bar: f64): bool {
  const earliest = first + (<usize>max(<f64>minLeaf - 1 - left, 0) << 3);
  const rows = left + <f64>((last - first) >> 3) + 1; // up to the last entry
  const latest = last - (<usize>max(<f64>minLeaf - (total - rows), 1) << 3);
  if (earliest > latest || keyOf(load<u64>(first)) == keyOf(load<u64>(last))) return false;
  const at = scanPlain(first, earliest, latest, left, positive, bar);
  if (at == 0) return false;
  keepSides(keyOf(load<u64>(at)), keyOf(load<u64>(at + 8)));
  return true;
}

// Of two classes, every weight 1: `left` rows, `positive` of them in class 1, lie left of a cut. The cost is that of scanPlain.
@inline
function costOf(left: f64, positive: f64): f64 {
  const right = total - left;
  const others = f64.load(counts, 8) - positive;
  return 2 * (positive * (left - positive) * right + others * (right - others) * left);
}

@inline
export function costBelow(left: f64, positive: f64, bar: f64): bool {
  return costOf(left, positive) < bar * (left * (total - left));
}

/** Takes a cut as the best, if its cost is below `bar`. */
export function takeCut(left: f64, positive: f64, bar: f64): bool {
  if (!costBelow(left, positive, bar)) return false;
  const cost = costOf(left, positive) / (left * (total - left));
  if (!(cost < bar)) return false;
  lowest = cost;
  return true;
}

/** Keeps the keys at either side of the best cut. */
@inline
export function keepSides(low: u32, high: u32): void {
  below = low;
  above = high;
}

// The scans return the entry left of the best cut, or 0 when none beats `lowest`. Comparing products, not quotients,
// saves the divisions: the cost Σ weight · impurity of two Gini children is 2 l₀l₁ / l + 2 r₀r₁ / r for two classes.

/**
 * Two classes, every weight 1: two cuts at a time, of rows that `before` others precede, `positive` of them of class 1.
 * Only when one of a pair would cost less than `bar` (rarely) are its values compared: a cut lies between different ones.
 */
function scanPlain(
  first: usize, earliest: usize, latest: usize, before: f64, positive: f64, bar: f64,
): usize {
  const all = f64x2.splat(total);
  const positives = f64x2.splat(f64.load(counts + 8));
  const two = f64x2.splat(2);
  const one = i64x2.splat(1);
  const offset = f64x2.splat(4503599627370496); // 2⁵²: adding a small integer to its bits adds it to the number
  let best: usize = 0;
  let left = f64x2.add(f64x2.splat(before), f64x2(1, 2));
  let sums = f64x2.add(offset, f64x2.splat(positive)); // 2⁵² + positives up to here
  let bound = f64x2.splat(bar);
  for (let at = first; at <= latest; at += 16) {
    const labels = v128.and(v128.load(at), one);
    const shifted = i8x16.shuffle(i64x2.splat(0), labels, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    const prefix = i64x2.add(sums, i64x2.add(labels, shifted));
    sums = i64x2.shuffle(prefix, prefix, 1, 1);
    const l1 = f64x2.sub(prefix, offset);
    const right = f64x2.sub(all, left);
    const r1 = f64x2.sub(positives, l1);
    const leftCost = f64x2.mul(f64x2.mul(l1, f64x2.sub(left, l1)), right);
    const rightCost = f64x2.mul(f64x2.mul(r1, f64x2.sub(right, r1)), left);
    const cost = f64x2.mul(two, f64x2.add(leftCost, rightCost));
    const scale = f64x2.mul(left, right);
    left = f64x2.add(left, two);
    if (!v128.any_true(f64x2.lt(cost, f64x2.mul(bound, scale)))) continue;
    const a = f64x2.extract_lane(cost, 0) / f64x2.extract_lane(scale, 0);
    const b = f64x2.extract_lane(cost, 1) / f64x2.extract_lane(scale, 1);
    if (at >= earliest && improves(a, at, bar)) {
      best = at;
      bar = lowest - tolerance;
    }
    if (at + 8 >= earliest && at + 8 <= latest && improves(b, at + 8, bar)) {
      best = at + 8;
      bar = lowest - tolerance;
    }
    bound = f64x2.splat(bar);
  }
  return best;
}

/** Takes the cost of a cut right of `at` as the lowest, if it is below `bar` and the values at both sides differ. */
@inline
function improves(cost: f64, at: usize, bar: f64): bool {
  if (!(cost < bar) || keyOf(load<u64>(at)) == keyOf(load<u64>(at + 8))) return false;
  lowest = cost;
  return true;
}

/** Two classes, weighted. */
function scanPair(first: usize, earliest: usize, latest: usize): usize {
  const c0 = f64.load(counts);
  const c1 = f64.load(counts + 8);
  let bound = lowest - tolerance;
  let best: usize = 0;
  let l0: f64 = 0;
  let l1: f64 = 0;
  let entry = load<u64>(first);
  for (let at = first; at <= latest; at += 8) {
    const weight = f64.load(weights + (rowOf(entry) << 3));
    const positive = <f64>(<i32>entry & 1);
    l1 += positive * weight;
    l0 += (1 - positive) * weight;
    const next = load<u64>(at + 8);
    const same = keyOf(entry) == keyOf(next);
    entry = next;
    if (same || at < earliest) continue;
    const r0 = c0 - l0;
    const r1 = c1 - l1;
    const left = l0 + l1;
    const right = r0 + r1;
    const cost = 2 * (l0 * l1 * right + r0 * r1 * left);
    if (cost < bound * (left * right)) {
      lowest = cost / (left * right);
      bound = lowest - tolerance;
      best = at;
    }
  }
  return best;
}

/** Any number of classes; the sums of squares follow row by row. */
function scanGini(first: usize, earliest: usize, latest: usize): usize {
  memory.fill(lefts, 0, <usize>classes << 3);
  let bound = lowest - tolerance;
  let best: usize = 0;
  let left: f64 = 0;
  let leftSquares: f64 = 0;
  let rightSquares: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const count = f64.load(counts + (<usize>k << 3));
    rightSquares += count * count;
  }
  let entry = load<u64>(first);
  for (let at = first; at <= latest; at += 8) {
    const weight = unweighted ? 1 : f64.load(weights + (rowOf(entry) << 3));
    const slot = classOf(entry);
    const l = f64.load(lefts + slot);
    const r = f64.load(counts + slot) - l;
    leftSquares += weight * (2 * l + weight);
    rightSquares -= weight * (2 * r - weight);
    f64.store(lefts + slot, l + weight);
    left += weight;
    const next = load<u64>(at + 8);
    const same = keyOf(entry) == keyOf(next);
    entry = next;
    if (same || at < earliest) continue;
    const right = total - left;
    const cost = (left * left - leftSquares) * right + (right * right - rightSquares) * left;
    if (cost < bound * (left * right)) {
      lowest = cost / (left * right);
      bound = lowest - tolerance;
      best = at;
    }
  }
  return best;
}

// Σ over children of n log₂ n − Σ over classes of c log₂ c
function scanEntropy(first: usize, earliest: usize, latest: usize): usize {
  memory.fill(lefts, 0, <usize>classes << 3);
  let best: usize = 0;
  let left: f64 = 0;
  let entry = load<u64>(first);
  for (let at = first; at <= latest; at += 8) {
    const weight = unweighted ? 1 : f64.load(weights + (rowOf(entry) << 3));
    const slot = lefts + classOf(entry);
    f64.store(slot, f64.load(slot) + weight);
    left += weight;
    const next = load<u64>(at + 8);
    const same = keyOf(entry) == keyOf(next);
    entry = next;
    if (same || at < earliest) continue;
    let cost = multiple(left) + multiple(total - left);
    for (let k = 0; k < classes; k++) {
      const l = f64.load(lefts + (<usize>k << 3));
      cost -= multiple(l) + multiple(f64.load(counts + (<usize>k << 3)) - l);
    }
    if (cost < lowest - tolerance) {
      lowest = cost;
      best = at;
    }
  }
  return best;
}

// n log₂ n, 0 at 0
@inline
function multiple(n: f64): f64 {
  if (unweighted) return f64.load(multiples + (<usize>n << 3));
  return n > 0 ? n * Math.log2(n) : 0;
}
