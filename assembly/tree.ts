// CART (Breiman et al. 1984): exact splits, Gini or entropy, sample weights, any number of classes.
// A forest's trees look at `tries` features a node, drawn from a seed, and share what was sorted. Every feature's rows are
// sorted once; a node is the same stretch [start, end) of every feature's order, and a split partitions each order stably.
// An entry of an order is 8 bytes: the value's ordered key above, the row and its class below, so that a scan streams
// through memory. Rows of weight 0 are left out, as in scikit-learn.
// Many rows of two classes are counted in bins instead (bins.ts); the splits are the same.
import { fillBins, partitionBins, searchBins, tallyRows } from "./bins";
import { above, below, bitsOf, impurity, keepWeights, minLeaf, openCuts, rowOf, scan, search, tally } from "./cuts";
import { fromOrderedF32, keyAt, radixSort, RADIX_BYTES } from "./ranking";

const FRAME: usize = 24; // a node yet to grow: start, end, depth, parent, side, a feature whose order is partitioned

let kept: i32; // rows of positive weight
let classes: i32;
let binned: bool; // counted instead of sorted

let orders: usize; // (features, kept) entries
let spare: usize; // (kept) entries
let weights: usize; // f64 (rows)
let goesLeft: usize; // u8 (rows)
let counts: usize; // f64 (2, classes): what cuts.ts sums
let multiples: usize; // f64 (kept + 1), also its
let deck: usize; // i32 (features): what a node draws its features from
let state: u32; // of the draws
let stack: usize;

let feature: i32; // the best split's
let middle: i32; // where the other side begins

/** Lays the workspace out from `at` and returns its end. */
function layout(at: usize, rows: i32, features: i32, outputs: i32, depth: i32): usize {
  orders = at;
  spare = orders + ((<usize>rows * max(features, 1)) << 3);
  weights = spare + (<usize>rows << 3);
  goesLeft = weights + (<usize>rows << 3);
  counts = goesLeft + ((<usize>rows + 7) & ~7);
  multiples = counts + (<usize>outputs << 4);
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
  openCuts(outputs, entropy, leaf, weights, counts, multiples);
  const countable = !w && !sorted && outputs == 2 && entropy == 0 && tries >= features;
  binned = countable && fillBins(x, y, rows, features, maxDepth, orders, spare, weights, multiples, goesLeft);
  kept = rows;
  if (!binned) {
    const all = sorted ? sorted : orders;
    if (x) sort(x, y, rows, features, all);
    take(all, w, rows, features);
  }
  state = seed;
  for (let j = 0; j < features; j++) i32.store(deck + (<usize>j << 2), j);
  return grow(features, maxDepth, nodes, capacity, tries);
}

/** Fills and sorts the orders of all rows. */
function sort(x: usize, y: usize, rows: i32, features: i32, all: usize): void {
  const column = <usize>rows << 3;
  const classBits = bitsOf(classes);
  for (let i = 0; i < rows; i++) {
    const tail = (<u64>i << classBits) | <u64>i32.load(y + (<usize>i << 2));
    let at = all + (<usize>i << 3);
    store<u64>(at, tail); // without features the root still counts its rows
    const from = x + ((<usize>i * features) << 2);
    for (let j = 0; j < features; j++, at += column) {
      store<u64>(at, (<u64>keyAt(from + (<usize>j << 2)) << 32) | tail);
    }
  }
  for (let j = 0; j < features; j++) radixSort(all + <usize>j * column, spare, rows, 32, stack);
}

/** Takes the rows of positive weight into the orders; `all` may be where they go. */
function take(all: usize, w: usize, rows: i32, features: i32): void {
  let plain = true;
  for (let i = 0; i < rows; i++) {
    const weight = w ? f64.load(w + (<usize>i << 3)) : 1;
    f64.store(weights + (<usize>i << 3), weight);
    kept -= i32(weight <= 0);
    if (weight > 0 && weight != 1) plain = false;
  }
  keepWeights(kept, plain);
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
    const run = order(i32.load(top, 20));
    const kinds = binned ? tallyRows(start, end) : tally(run + (<usize>start << 3), run + (<usize>end << 3));
    memory.copy(values + <usize>(classes * node << 3), counts, <usize>classes << 3);
    f64.store(impurities + 2 * at, impurity());
    i32.store(samples + at, end - start);
    i32.store(splits + at, -1);
    f64.store(thresholds + 2 * at, 0);
    i32.store(links + at, -1);
    i32.store(links + (<usize>capacity << 2) + at, -1);
    const self = node++;
    if (depth >= maxDepth || kinds < 2 || end - start < 2 * minLeaf) continue;

    search();
    feature = -1;
    if (binned) feature = searchBins(start, end);
    else if (tries < features) scanSome(features, tries, start, end);
    else for (let j = 0; j < features; j++) look(j, start, end);
    if (feature < 0) continue;
    const cut = binned ? partitionBins(start, end) : middle;
    i32.store(splits + at, feature);
    f64.store(thresholds + 2 * at, 0.5 * <f64>fromOrderedF32(below) + 0.5 * <f64>fromOrderedF32(above));
    // Leaves only count their classes, for which the order of the split's own feature is enough.
    if (!binned && depth + 1 < maxDepth) partition(features, start, cut, end);
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

/** Looks for a better split of [start, end) on feature j. */
function look(j: i32, start: i32, end: i32): void {
  const from = order(j);
  const at = scan(from + (<usize>start << 3), from + (<usize>(end - 1) << 3));
  if (at == 0) return;
  feature = j;
  middle = <i32>((at - from) >> 3) + 1;
}

/** Scans features dealt from the shuffled deck: `tries` of them, and further ones while none splits. */
function scanSome(features: i32, tries: i32, start: i32, end: i32): void {
  for (let k = 0; k < features && (k < tries || feature < 0); k++) {
    const from = deck + (<usize>k << 2);
    const to = deck + (<usize>(k + <i32>((<u64>draw() * <u64>(features - k)) >> 32)) << 2);
    const j = i32.load(to);
    i32.store(to, i32.load(from));
    i32.store(from, j);
    look(j, start, end);
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
