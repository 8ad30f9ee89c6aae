/** What was generated, for people: tree, rules, importances, embedding and distributions of one split. */
import type { Learner } from "./classifiers.ts";
import { embedPlane } from "./embedding.ts";
import { Cpu } from "./engine/module.ts";
import { fewerRows, rowsByClass } from "./folds.ts";
import { pixelOf } from "./image.ts";
import { type Matrix, stackRows, takeRows } from "./matrix.ts";
import { type Metric, utility } from "./metrics.ts";
import type { DistributionPlot } from "./plots/distribution.ts";
import type { EmbeddingPlot } from "./plots/embedding.ts";
import type { TreePlot } from "./plots/tree.ts";
import { Random } from "./random.ts";
import type { Importance, Rule } from "./result.ts";
import type { LabelledSet } from "./score.ts";
import type { Encoder } from "./table/encoder.ts";
import type { Column, Table } from "./table/table.ts";
import { fitTree, leafPaths, type Tree, treeImportances } from "./tree.ts";

/** Depth of the tree that is drawn: deeper ones are not read. */
const TREE_DEPTH = 4;
/** Rows of each kind in the embedding: t-SNE grows with their square. */
const EMBEDDED_ROWS = 400;
const SHUFFLES = 5;
/** Rows that are shuffled at most, and of a class at least, where there are so many. */
const SHUFFLED_ROWS = [20_000, 100] as const;
const BINS = 20;
/** Categories that a distribution tells apart; the plot shows the first few of them. */
const MOST_BARS = 100;

/** The shallow tree of the generated rows, in the columns' own units, and what is read off it. */
export async function explainTree(encoder: Encoder, set: LabelledSet) {
  const { classes } = encoder;
  const tree = fitTree(await Cpu.openExtra(), set.x, set.y, classes.length, { maxDepth: TREE_DEPTH });
  return {
    tree: drawableTree(tree, encoder),
    rules: rules(tree, encoder),
    impurity: perColumn(encoder, treeImportances(tree, set.x.cols)),
  };
}

function drawableTree(tree: Tree, encoder: Encoder): TreePlot {
  const classes = encoder.classes.length;
  const nodes = Array.from(tree.feature, (feature, i) => {
    const value = Array.from(tree.value.subarray(i * classes, (i + 1) * classes));
    const pixel = encoder.image && feature >= 0 ? pixelOf(encoder.features[feature].column) : undefined;
    return {
      condition: feature < 0 ? null : encoder.describe(feature, tree.threshold[i]).left,
      ...(pixel && { pixel }),
      impurity: tree.impurity[i],
      samples: tree.samples[i],
      value,
      class: value.indexOf(Math.max(...value)),
      left: tree.left[i],
      right: tree.right[i],
    };
  });
  const { width = 0, height = 0 } = encoder.image ?? {};
  return {
    criterion: "gini",
    classes: [...encoder.classes],
    ...(encoder.image && { image: { width, height } }),
    nodes,
  };
}

/**
 * The paths from the root to every leaf, and to the nodes on the way: deep paths seldom recur in another tree, their
 * beginnings do. A later condition on the same column and side replaces the weaker one before it.
 */
function rules(tree: Tree, encoder: Encoder): Rule[] {
  const short = collapse(tree);
  const found = new Map<number, Rule>();
  for (const { path } of leafPaths(short)) {
    const conditions = new Map<string, string>();
    let node = 0;
    for (const { feature, threshold, below } of path) {
      const text = encoder.describe(feature, threshold);
      conditions.set(`${feature} ${below}`, below ? text.left : text.right);
      node = below ? short.left[node] : short.right[node];
      if (!found.has(node)) found.set(node, ruleAt(short, node, [...conditions.values()], encoder));
    }
    if (path.length === 0) found.set(0, ruleAt(short, 0, [], encoder));
  }
  return [...found.values()];
}

function ruleAt(tree: Tree, node: number, conditions: string[], encoder: Encoder): Rule {
  const value = Array.from(tree.value.subarray(node * tree.classes, (node + 1) * tree.classes));
  const most = Math.max(...value);
  return {
    conditions,
    class: encoder.classes[value.indexOf(most)],
    support: tree.samples[node] / tree.samples[0],
    confidence: most / value.reduce((sum, v) => sum + v, 0),
    leaf: tree.feature[node] < 0,
  };
}

/** The tree without splits that change no decision: a rule is as short as its class allows. */
function collapse(tree: Tree): Tree {
  const { classes, left, right, value } = tree;
  const feature = tree.feature.slice();
  const decision = (node: number) => {
    const row = Array.from(value.subarray(node * classes, (node + 1) * classes));
    return row.indexOf(Math.max(...row));
  };
  // Children come after their parent (pre-order): from the end, subtrees are settled before their root.
  for (let node = feature.length - 1; node >= 0; node--) {
    if (feature[node] < 0) continue;
    const [a, b] = [left[node], right[node]];
    if (feature[a] < 0 && feature[b] < 0 && decision(a) === decision(b)) feature[node] = -1;
  }
  return { ...tree, feature };
}

/** Sums the encoder's features per column of the table. */
function perColumn(encoder: Encoder, values: ArrayLike<number>): Map<string, number> {
  const sums = new Map<string, number>(encoder.columns.map((column) => [column, 0]));
  encoder.features.forEach(({ column }, j) => {
    sums.set(column, (sums.get(column) ?? 0) + values[j]);
  });
  return sums;
}

/**
 * Permutation importance (Breiman 2001) on held-out rows: how much the metric of a fitted learner drops when a
 * column is shuffled, its features together; mean of a few shuffles. A pixel is shuffled with its eight neighbours in
 * its channel, for they say much the same: without it nothing would be missed.
 * @param set as `encoder` encodes it. @param inColumns its rows as the plain encoder does.
 */
export async function permutationImportance(
  encoder: Encoder,
  learner: Learner,
  metric: Metric,
  set: LabelledSet,
  inColumns: Matrix,
  seed: number,
): Promise<Map<string, number>> {
  const classes = encoder.classes.length;
  const random = new Random(seed);
  const { x, y, plain } = fewer({ ...set, plain: inColumns }, classes, random);
  const measure = async (rows: Matrix) =>
    utility(metric, metric.compute(y, await learner.predictProba(rows), classes));
  const base = await measure(x);
  const drops = new Map<string, number>();
  for (const [name, features] of featureGroups(encoder.plain)) {
    const shuffled: Matrix = { ...x, data: x.data.slice() };
    let drop = 0;
    for (let k = 0; k < SHUFFLES && features.length > 0; k++) {
      const order = random.shuffle(Array.from({ length: x.rows }, (_, i) => i));
      shuffleFeatures(encoder, shuffled, x, plain, features, order);
      drop += (base - (await measure(shuffled))) / SHUFFLES;
    }
    drops.set(name, drop);
  }
  return drops;
}

/** The rows, or as many of them as tell. */
function fewer<S extends LabelledSet & { plain: Matrix }>(all: S, classes: number, random: Random) {
  const rows = fewerRows(all.y, classes, SHUFFLED_ROWS, random);
  if (!rows) return all;
  const y = Int32Array.from(rows, (row) => all.y[row]);
  return { x: takeRows(all.x, rows), y, plain: takeRows(all.plain, rows) };
}

/** The features that are shuffled for each column. */
function featureGroups(encoder: Encoder): Map<string, number[]> {
  const own = new Map<string, number[]>(encoder.columns.map((column) => [column, []]));
  encoder.features.forEach(({ column }, j) => {
    own.get(column)!.push(j);
  });
  if (!encoder.image) return own;
  return new Map(
    encoder.columns.map((name) => [name, neighbours(name).flatMap((near) => own.get(near) ?? [])]),
  );
}

/** A pixel's column and those around it, in one channel; some may not be there. */
function neighbours(name: string): string[] {
  const pixel = pixelOf(name);
  if (!pixel) return [name];
  const { channel, y, x } = pixel;
  return [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => `${channel}_${y + down}_${x + right}`));
}

/** `out` ← `x` with the plain features of row i taken from row order[i]. */
function shuffleFeatures(
  { components }: Encoder,
  out: Matrix,
  x: Matrix,
  plain: Matrix,
  features: number[],
  order: number[],
): void {
  if (components) out.data.set(x.data);
  for (let i = 0; i < x.rows; i++) {
    for (const j of features) {
      const other = plain.data[order[i] * plain.cols + j];
      if (components) components.move(out, i, j, other - plain.data[i * plain.cols + j]);
      else out.data[i * x.cols + j] = other;
    }
  }
}

/** Both importances by column, the most important first. */
export function importances(impurity: Map<string, number>, permutation: Map<string, number>): Importance[] {
  return [...impurity]
    .map(([column, value]) => ({ column, impurity: value, permutation: permutation.get(column) ?? 0 }))
    .sort(
      (a, b) => b.impurity - a.impurity || b.permutation - a.permutation || (a.column < b.column ? -1 : 1),
    );
}

/** Real and generated rows together in one plane, by PCA and by t-SNE. */
export async function embedding(
  encoder: Encoder,
  real: LabelledSet,
  synthetic: LabelledSet,
  seed: number,
): Promise<EmbeddingPlot> {
  const cpu = await Cpu.openExtra();
  const random = new Random(seed);
  const { length } = encoder.classes;
  const [a, b] = [sampleRows(real, length, random), sampleRows(synthetic, length, random)];
  const x = stackRows(a.x, b.x);
  const labels = [...a.y, ...b.y];
  const isSynthetic = labels.map((_, i) => (i < a.y.length ? 0 : 1));
  const round = (values: ArrayLike<number>) => Array.from(values, (value) => Math.round(value * 1e3) / 1e3);
  const panel = (title: string, method: "pca" | "tsne") => {
    const plane = embedPlane(cpu, x, { method, seed });
    const axis = (i: 0 | 1): string => {
      if (method === "tsne") return `t-SNE ${i + 1}`;
      return `PC ${i + 1} (${Math.round(100 * (plane.explained?.[i] ?? 0))} %)`;
    };
    const axes: [string, string] = [axis(0), axis(1)];
    return { title, axes, x: round(plane.x), y: round(plane.y), class: labels, synthetic: isSynthetic };
  };
  return { classes: [...encoder.classes], panels: [panel("PCA", "pca"), panel("t-SNE", "tsne")] };
}

/** At most EMBEDDED_ROWS rows: every class keeps its share, a rare one at least a tenth of them. */
function sampleRows({ x, y }: LabelledSet, classes: number, random: Random): LabelledSet {
  const chosen: number[] = [];
  for (const rows of rowsByClass(y, classes)) {
    const fair = Math.round((EMBEDDED_ROWS * rows.length) / y.length);
    const count = Math.min(rows.length, Math.max(fair, Math.floor(EMBEDDED_ROWS / 10)));
    chosen.push(...random.shuffle(rows).slice(0, count));
  }
  chosen.sort((a, b) => a - b);
  return { x: takeRows(x, chosen), y: Int32Array.from(chosen, (i) => y[i]) };
}

/** Each learnt column's values, real rows against synthetic ones. */
export function distributions(
  encoder: Encoder,
  real: Table,
  rows: ArrayLike<number>,
  synthetic: Table,
): DistributionPlot {
  const named = new Map(synthetic.columns.map((column) => [column.name, column]));
  const all = Array.from({ length: synthetic.rows }, (_, i) => i);
  const columns = encoder.columns.flatMap((name) => {
    const realColumn = real.columns.find((column) => column.name === name)!;
    const made = named.get(name);
    if (!made) return [];
    return [realColumn.codes ? bars(realColumn, rows, made, all) : histogram(realColumn, rows, made, all)];
  });
  return { columns };
}

type Drawn = DistributionPlot["columns"][number];

/** Shares of a column's values in bins, real ones against synthetic ones. */
export function histogram(
  real: Column,
  rows: ArrayLike<number>,
  made: Column,
  madeRows: ArrayLike<number>,
): Drawn {
  const take = (column: Column, picked: ArrayLike<number>) =>
    Array.from(picked, (i) => column.values![i]).filter((value) => Number.isFinite(value));
  const [a, b] = [take(real, rows), take(made, madeRows)];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of [...a, ...b]) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) [low, high] = [0, 1];
  if (low === high) high = low + 1;
  const share = (values: number[]) => {
    const counts = new Array<number>(BINS).fill(0);
    for (const v of values) counts[Math.min(BINS - 1, Math.floor(((v - low) / (high - low)) * BINS))]++;
    return counts.map((count) => count / Math.max(1, values.length));
  };
  const edges = Array.from({ length: BINS + 1 }, (_, i) => low + ((high - low) * i) / BINS);
  const times = real.role === "datetime" ? { times: true } : {};
  return { name: real.name, kind: "histogram", edges, ...times, real: share(a), synthetic: share(b) };
}

function bars(real: Column, rows: ArrayLike<number>, made: Column, madeRows: ArrayLike<number>): Drawn {
  const count = (column: Column, picked: ArrayLike<number>) => {
    const counts = new Map<string, number>();
    for (let i = 0; i < picked.length; i++) {
      const code = column.codes![picked[i]];
      const label = code < 0 ? "(missing)" : column.categories![code];
      counts.set(label, (counts.get(label) ?? 0) + 1 / picked.length);
    }
    return counts;
  };
  const [a, b] = [count(real, rows), count(made, madeRows)];
  const byShare = [...a].sort((p, q) => q[1] - p[1] || (p[0] < q[0] ? -1 : 1)).map(([label]) => label);
  const labels = byShare.slice(0, MOST_BARS);
  const shares = (counts: Map<string, number>) => labels.map((label) => counts.get(label) ?? 0);
  const rest = (list: number[]) => Math.max(0, 1 - list.reduce((sum, value) => sum + value, 0));
  const [realShares, madeShares] = [shares(a), shares(b)];
  if (byShare.length > MOST_BARS) {
    labels.push(`${byShare.length - MOST_BARS} others`);
    realShares.push(rest(realShares));
    madeShares.push(rest(madeShares));
  }
  return { name: real.name, kind: "bars", labels, real: realShares, synthetic: madeShares };
}
