// CART (Breiman et al. 1984): exact splits, Gini or entropy, sample weights, any number of classes.
// A forest's trees look at `tries` features a node, drawn from a seed, and share what was sorted. Every feature's rows are
// sorted once; a node is the same stretch [start, end) of every feature's order, and a split partitions each order stably.
// An entry of an order is 8 bytes: the value's ordered key above, the row and its class below, so that a scan streams
// through memory. Rows of weight 0 are left out, as in scikit-learn.
import { cleanF32 } from "./clean";
import { fromOrderedF32, orderedF32, radixSort, RADIX_BYTES } from "./ranking";

const ENTROPY = 1;
const FRAME: usize = 24; // a node yet to grow: start, end, depth, parent, side, a feature whose order is partitioned

let kept: i32; // rows of positive weight
let classes: i32;
let classBits: u32;
let classMask: u64;
let criterion: i32;
let minLeaf: i32;
let unweighted: bool;

let orders: usize; // (features, kept) entries
let spare: usize; // (kept) entries
let weights: usize; // f64 (rows)
let goesLeft: usize; // u8 (rows)
let counts: usize; // f64 (classes): the node's weight by class
let lefts: usize; // f64 (classes): the same left of the scan
let multiples: usize; // f64 (kept + 1): n log₂ n, entropy of unweighted rows
let deck: usize; // i32 (features): what a node draws its features from
let state: u32; // of the draws
let stack: usize;

let total: f64; // the node's weight
let tolerance: f64; // a split must be better than the best by this: rounding does not decide between equals
let lowest: f64; // Σ over both children of weight · impurity, at the best split so far
let feature: i32;
let middle: i32;
let below: u32; // keys at either side of the best split
let above: u32;

/** Lays the workspace out from `at` and returns its end. */
function layout(at: usize, rows: i32, features: i32, outputs: i32, depth: i32): usize {
  orders = at;
  spare = orders + ((<usize>rows * max(features, 1)) << 3);
  weights = spare + (<usize>rows << 3);
  goesLeft = weights + (<usize>rows << 3);
  counts = goesLeft + ((<usize>rows + 7) & ~7);
  lefts = counts + (<usize>outputs << 3);
  multiples = lefts + (<usize>outputs << 3);
  deck = multiples + (<usize>(rows + 1) << 3);
  stack = deck + ((<usize>(features + 1) << 2) & ~7);
  return stack + max(FRAME * <usize>(min(depth, rows) + 2), RADIX_BYTES);
}

/** Scratch bytes of `tree_fit`. */
export function tree_bytes(rows: i32, features: i32, outputs: i32, maxDepth: i32): usize {
  return layout(0, rows, features, outputs, maxDepth);
}

// x f32 (rows, features), y i32 (rows) in 0 … outputs − 1, w f64 (rows) or address 0 for ones. Nodes in pre-order go to
// `nodes`: threshold f64, impurity f64, value f64 (outputs), then feature (−1: a leaf), left, right, samples i32, each
// an array of `capacity`. Of equal splits the one with the lowest feature, then threshold, is taken. With `tries` below
// `features` a node looks at so many of them, and on until one splits it (Breiman 2001). Where `sorted` is no 0, all rows in
// order, u64 (features, rows), are kept there for further trees, which get 0 for x. Returns the number of nodes.
export function tree_fit(
  x: usize, y: usize, w: usize, rows: i32, features: i32, outputs: i32, entropy: i32, maxDepth: i32, leaf: i32,
  nodes: usize, capacity: i32, scratch: usize, tries: i32, seed: u32, sorted: usize,
): i32 {
  layout(scratch, rows, features, outputs, maxDepth);
  classes = outputs;
  classBits = 32 - clz<i32>(outputs - 1);
  classMask = (1 << classBits) - 1;
  criterion = entropy;
  minLeaf = leaf;
  const all = sorted ? sorted : orders;
  if (x) sort(x, y, rows, features, all);
  take(all, w, rows, features);
  if (criterion == ENTROPY && unweighted) {
    for (let n = 1; n <= kept; n++) f64.store(multiples + (<usize>n << 3), <f64>n * Math.log2(<f64>n));
  }
  state = seed;
  for (let j = 0; j < features; j++) i32.store(deck + (<usize>j << 2), j);
  return grow(features, maxDepth, nodes, capacity, tries);
}

/** Fills and sorts the orders of all rows. */
function sort(x: usize, y: usize, rows: i32, features: i32, all: usize): void {
  const column = <usize>rows << 3;
  for (let i = 0; i < rows; i++) {
    const tail = (<u64>i << classBits) | <u64>i32.load(y + (<usize>i << 2));
    let at = all + (<usize>i << 3);
    store<u64>(at, tail); // without features the root still counts its rows
    const from = x + ((<usize>i * features) << 2);
    for (let j = 0; j < features; j++, at += column) {
      store<u64>(at, (<u64>orderedF32(cleanF32(f32.load(from + (<usize>j << 2)))) << 32) | tail);
    }
  }
  for (let j = 0; j < features; j++) radixSort(all + <usize>j * column, spare, rows, 32, stack);
}

/** Takes the rows of positive weight into the orders; `all` may be where they go. */
function take(all: usize, w: usize, rows: i32, features: i32): void {
  kept = rows;
  unweighted = true;
  for (let i = 0; i < rows; i++) {
    const weight = w ? f64.load(w + (<usize>i << 3)) : 1;
    f64.store(weights + (<usize>i << 3), weight);
    kept -= i32(weight <= 0);
    if (weight > 0 && weight != 1) unweighted = false;
  }
  if (kept == rows && all == orders) return;
  let to = orders;
  for (let at = all, end = all + ((<usize>rows * max(features, 1)) << 3); at < end; at += 8) {
    const entry = load<u64>(at);
    store<u64>(to, entry);
    to += usize(f64.load(weights + (rowOf(entry) << 3)) > 0) << 3;
  }
}

function grow(features: i32, maxDepth: i32, nodes: usize, capacity: i32, tries: i32): i32 {
  const thresholds = nodes;
  const impurities = thresholds + (<usize>capacity << 3);
  const values = impurities + (<usize>capacity << 3);
  const splits = values + ((<usize>capacity * classes) << 3);
  const links = splits + (<usize>capacity << 2); // left, then right
  const samples = links + (<usize>capacity << 3);
  let top = stack;
  let node = 0;
  top = push(top, 0, kept, 0, -1, 0, 0);
  while (top > stack) {
    top -= FRAME;
    const start = i32.load(top);
    const end = i32.load(top, 4);
    const depth = i32.load(top, 8);
    const parent = i32.load(top, 12);
    const side = i32.load(top, 16);
    const at = <usize>node << 2;
    if (parent >= 0) i32.store(links + (<usize>(side * capacity + parent) << 2), node);
    const kinds = tally(i32.load(top, 20), start, end);
    memory.copy(values + <usize>(classes * node << 3), counts, <usize>classes << 3);
    f64.store(impurities + 2 * at, impurity());
    i32.store(samples + at, end - start);
    i32.store(splits + at, -1);
    f64.store(thresholds + 2 * at, 0);
    i32.store(links + at, -1);
    i32.store(links + (<usize>capacity << 2) + at, -1);
    const self = node++;
    if (depth >= maxDepth || kinds < 2 || end - start < 2 * minLeaf) continue;

    lowest = Infinity;
    feature = -1;
    tolerance = 1e-10 * total;
    if (tries < features) scanSome(features, tries, start, end);
    else for (let j = 0; j < features; j++) scan(j, start, end);
    if (feature < 0) continue;
    i32.store(splits + at, feature);
    f64.store(thresholds + 2 * at, 0.5 * <f64>fromOrderedF32(below) + 0.5 * <f64>fromOrderedF32(above));
    const cut = middle;
    // Leaves only count their classes, for which the order of the split's own feature is enough.
    if (depth + 1 < maxDepth) partition(features, start, cut, end);
    top = push(top, cut, end, depth + 1, self, 1, feature);
    top = push(top, start, cut, depth + 1, self, 0, feature);
  }
  return node;
}

@inline
function push(top: usize, start: i32, end: i32, depth: i32, parent: i32, side: i32, via: i32): usize {
  i32.store(top, start);
  i32.store(top, end, 4);
  i32.store(top, depth, 8);
  i32.store(top, parent, 12);
  i32.store(top, side, 16);
  i32.store(top, via, 20);
  return top + FRAME;
}

@inline
function order(j: i32): usize {
  return orders + ((<usize>j * kept) << 3);
}

@inline
function classOf(entry: u64): usize {
  return <usize>(entry & classMask) << 3;
}

@inline
function rowOf(entry: u64): usize {
  return <usize>(<u32>entry >> classBits);
}

@inline
function keyOf(entry: u64): u32 {
  return <u32>(entry >> 32);
}

/** Sums the node's weight, in all and by class; returns how many classes it has. */
function tally(via: i32, start: i32, end: i32): i32 {
  memory.fill(counts, 0, <usize>classes << 3);
  const from = order(via);
  for (let at = from + (<usize>start << 3), last = from + (<usize>end << 3); at < last; at += 8) {
    const entry = load<u64>(at);
    const slot = counts + classOf(entry);
    f64.store(slot, f64.load(slot) + (unweighted ? 1 : f64.load(weights + (rowOf(entry) << 3))));
  }
  total = 0;
  let kinds = 0;
  for (let k = 0; k < classes; k++) {
    const count = f64.load(counts + (<usize>k << 3));
    total += count;
    kinds += i32(count > 0);
  }
  return kinds;
}

// Gini 1 − Σ p²; entropy −Σ p log₂ p
function impurity(): f64 {
  let sum: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const p = f64.load(counts + (<usize>k << 3)) / total;
    if (criterion != ENTROPY) sum += p * p;
    else if (p > 0) sum -= p * Math.log2(p);
  }
  return criterion == ENTROPY ? sum : 1 - sum;
}

/** Scans features dealt from the shuffled deck: `tries` of them, and further ones while none splits. */
function scanSome(features: i32, tries: i32, start: i32, end: i32): void {
  for (let k = 0; k < features && (k < tries || feature < 0); k++) {
    const from = deck + (<usize>k << 2);
    const to = deck + (<usize>(k + <i32>((<u64>draw() * <u64>(features - k)) >> 32)) << 2);
    const j = i32.load(to);
    i32.store(to, i32.load(from));
    i32.store(from, j);
    scan(j, start, end);
  }
}

/** SplitMix32: a counter through a mixing function (Steele, Lea and Flood 2014, in 32 bits). */
@inline
function draw(): u32 {
  state += 0x9e3779b9;
  let z = state;
  z = (z ^ (z >> 16)) * 0x21f0aaad;
  z = (z ^ (z >> 15)) * 0x735a2d97;
  return z ^ (z >> 15);
}

/** Looks for a better split of [start, end) on feature j: a cut between different values, minLeaf rows on each side. */
function scan(j: i32, start: i32, end: i32): void {
  const from = order(j);
  const first = from + (<usize>start << 3);
  const last = from + (<usize>(end - 1) << 3);
  if (keyOf(load<u64>(first)) == keyOf(load<u64>(last))) return;
  const earliest = first + (<usize>(minLeaf - 1) << 3); // the last row on the left, at the earliest
  const latest = last - (<usize>minLeaf << 3);
  let at: usize;
  if (criterion == ENTROPY) at = scanEntropy(first, earliest, latest);
  else if (classes > 2) at = scanGini(first, earliest, latest);
  else if (unweighted) at = scanPlain(first, earliest, latest);
  else at = scanPair(first, earliest, latest);
  if (at == 0) return;
  feature = j;
  middle = <i32>((at - from) >> 3) + 1;
  below = keyOf(load<u64>(at));
  above = keyOf(load<u64>(at + 8));
}

// The scans return the entry left of the best cut, or 0 when none beats `lowest`. Comparing products, not quotients,
// saves the divisions: the cost Σ weight · impurity of two Gini children is 2 l₀l₁ / l + 2 r₀r₁ / r for two classes.

/**
 * Two classes, every weight 1: two cuts at a time. Only when one of a pair would be better (rarely) are its values
 * compared, for a cut must lie between different ones.
 */
function scanPlain(first: usize, earliest: usize, latest: usize): usize {
  const all = f64x2.splat(total);
  const positives = f64x2.splat(f64.load(counts + 8));
  const two = f64x2.splat(2);
  const one = i64x2.splat(1);
  const offset = f64x2.splat(4503599627370496); // 2⁵²: adding a small integer to its bits adds it to the number
  let best: usize = 0;
  let left = f64x2(1, 2);
  let sums = offset; // 2⁵² + positives up to here
  let bound = f64x2.splat(lowest - tolerance);
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
    if (at >= earliest && improves(a, at)) best = at;
    if (at + 8 >= earliest && at + 8 <= latest && improves(b, at + 8)) best = at + 8;
    bound = f64x2.splat(lowest - tolerance);
  }
  return best;
}

/** Takes the cost of a cut right of `at` as the lowest, if it is and the values at both sides differ. */
@inline
function improves(cost: f64, at: usize): bool {
  if (!(cost < lowest - tolerance) || keyOf(load<u64>(at)) == keyOf(load<u64>(at + 8))) return false;
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

/** Partitions every other feature's [start, end) as the best split does its own: stably, left rows first. */
function partition(features: i32, start: i32, cut: i32, end: i32): void {
  const own = order(feature);
  for (let i = start; i < end; i++) {
    store<u8>(goesLeft + rowOf(load<u64>(own + (<usize>i << 3))), u8(i < cut));
  }
  for (let j = 0; j < features; j++) {
    if (j == feature) continue;
    const from = order(j);
    const last = from + (<usize>end << 3);
    let left = from + (<usize>start << 3);
    let right = spare;
    for (let at = left; at < last; at += 8) {
      // Both stores are made and one pointer moves: no branch to mispredict.
      const entry = load<u64>(at);
      const isLeft = <usize>load<u8>(goesLeft + rowOf(entry));
      store<u64>(left, entry);
      store<u64>(right, entry);
      left += isLeft << 3;
      right += (1 - isLeft) << 3;
    }
    memory.copy(left, spare, right - spare);
  }
}
