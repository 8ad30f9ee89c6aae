import type { Container } from "@svgdotjs/svg.js";
import { type HierarchyPointNode, hierarchy, tree as tidy } from "d3-hierarchy";
import { isDrawable } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, tooltip, toXml } from "./canvas.ts";
import { AXIS, BORDER, CARD, classColor, GRID, INK, inkOn, MUTED, mix } from "./colors.ts";
import { legend } from "./legend.ts";
import { clean, formatCount, formatNumber, textWidth, wrap } from "./text.ts";

/** A decision tree ready to draw, in the columns' own units. Node 0 is the root; a leaf has no condition. */
export interface TreePlot {
  criterion: "gini" | "entropy";
  classes: string[];
  /** Rows are images of this size: a picture beside each condition shows where its pixel is. */
  image?: { width: number; height: number };
  nodes: {
    /** e.g. "Length ≤ 0.355" or "Sex = M"; true goes left. */
    condition: string | null;
    /** The pixel of the condition, channel r, g, b or l. */
    pixel?: { channel: string; y: number; x: number };
    impurity: number;
    samples: number;
    /** Weighted count per class. */
    value: number[];
    class: number;
    left: number;
    right: number;
  }[];
}

type Node = TreePlot["nodes"][number];
type Placed = HierarchyPointNode<Node>;
interface Line {
  text: string;
  bold: boolean;
  tooltip?: string;
}
interface Box {
  lines: Line[];
  /** Above this line stands the picture of the pixel, where there is one. */
  pictureAt: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

const WIDTH = 1200;
const SIDE = 10;
const TOP = 78;
const LINE = 15;
const SIZE = 11.5;
const PADDING = 7;
const BAR = 5;
/** Between two boxes of a level, and between two levels. */
const GAP = 8;
const LEVEL_GAP = 48;
/** The longer side of a pixel's picture, and what it takes of a box's height. */
const PICTURE = 36;
const PICTURE_ROOM = PICTURE + 8;
const CHANNELS: Record<string, { name: string; color: string }> = {
  r: { name: "red", color: "#c1121f" },
  g: { name: "green", color: "#2a7f3f" },
  b: { name: "blue", color: "#1d4ed8" },
  l: { name: "brightness", color: INK },
};
const PITCH = { least: 138, most: 230 };

/**
 * The tree in the manner of scikit-learn's `plot_tree`: each box holds condition, impurity, samples, weighted
 * counts and class, coloured by class with purity as saturation; the true branch goes left. Leaves of a full
 * last level stand in two rows, so that 16 of them stay readable at 1200 px.
 */
export function drawTree(tree: TreePlot): string {
  const title = "Decision tree of the generated rows";
  if (!tree.nodes[0]) return drawNothing(title, "Nothing to draw: the tree has no nodes.");
  const { root, pitch, staggered, left, width } = layOut(tree);
  const boxes = placeBoxes(tree, root, { pitch, staggered, left });
  const height = Math.max(...[...boxes.values()].map((box) => box.y + box.height)) + 24;
  const how = tree.image ? "Left: true. r_3_5: red, row 3, column 5." : "Left: the condition holds.";
  const subtitle = `${formatCount(tree.nodes[0].samples)} rows, depth ${root.height}, ${tree.criterion}. ${how}`;
  const canvas = openCanvas({ width, height, title, subtitle, aside: width / 2 });
  legend(
    canvas,
    { right: width - 24, y: 32, width: width / 2 - 24, rows: 2 },
    tree.classes.map((text, i) => ({ text, color: classColor(i), mark: "box" })),
  );
  const edges = canvas.group().attr({ fill: "none", stroke: AXIS, "stroke-linecap": "round" });
  for (const { source, target } of root.links()) drawEdge(edges, root, boxes, source, target);
  for (const [node, box] of boxes) drawBox(canvas, tree, node.data, box);
  if (root.children) labelBranches(canvas, boxes, root);
  return toXml(canvas);
}

function layOut(tree: TreePlot) {
  const children = ({ condition, left, right }: Node) =>
    condition === null ? undefined : [tree.nodes[left], tree.nodes[right]].filter(Boolean);
  const place = (staggered: boolean) => {
    const data = hierarchy(tree.nodes[0], children);
    const root = tidy<Node>()
      .nodeSize([1, 1])
      .separation((a) => (staggered && a.depth === data.height ? 0.5 : 1))(data);
    const at = root.descendants().map((node) => node.x);
    const [low, high] = [Math.min(...at), Math.max(...at)];
    return { root, low, span: high - low + 1 };
  };
  const wide = place(false);
  const staggered = wide.span * PITCH.least > WIDTH - 2 * SIDE;
  const { root, low, span } = staggered ? place(true) : wide;
  const pitch = Math.min(PITCH.most, Math.max(PITCH.least, (WIDTH - 2 * SIDE) / span));
  const width = Math.max(WIDTH, Math.ceil(span * pitch + 2 * SIDE));
  return { root, pitch, staggered, left: (width - span * pitch) / 2 + (0.5 - low) * pitch, width };
}

function placeBoxes(tree: TreePlot, root: Placed, at: { pitch: number; staggered: boolean; left: number }) {
  const boxes = new Map<Placed, Box>();
  const width = at.pitch - GAP;
  let y = TOP;
  for (let depth = 0; depth <= root.height; depth++) {
    const level = root.descendants().filter((node) => node.depth === depth);
    const rows = at.staggered && depth === root.height ? 2 : 1;
    for (let row = 0; row < rows; row++) {
      let tallest = 0;
      level.forEach((node, i) => {
        if (i % rows !== row) return;
        const { lines, pictureAt } = describe(tree, node.data, width - 2 * PADDING);
        const picture = pictureOf(tree, node.data) ? PICTURE_ROOM : 0;
        const height = lines.length * LINE + picture + 2 * PADDING + BAR;
        boxes.set(node, { lines, pictureAt, x: at.left + node.x * at.pitch, y, width, height });
        tallest = Math.max(tallest, height);
      });
      y += tallest + (row + 1 < rows ? GAP : LEVEL_GAP);
    }
  }
  return boxes;
}

function describe(tree: TreePlot, node: Node, room: number): Pick<Box, "lines" | "pictureAt"> {
  const lines: Line[] = conditionLines(node.condition, room);
  const pictureAt = lines.length;
  lines.push({ text: `${tree.criterion} = ${formatNumber(node.impurity, 3)}`, bold: false });
  lines.push({ text: `samples = ${formatCount(node.samples)}`, bold: false });
  lines.push(...valueLines(node.value, room));
  const name = `class = ${clean(tree.classes[node.class] ?? "–")}`;
  lines.push(...wrap(name, room, SIZE, 2, true).map((text) => ({ text, bold: true, tooltip: name })));
  return { lines, pictureAt };
}

const SIGNS = [" ≤ ", " > ", " = ", " ≠ ", " < ", " ≥ "];

/** One line where it fits, else the name in up to two lines, then the comparison in up to two. */
function conditionLines(condition: string | null, room: number): Line[] {
  if (condition === null) return [];
  const text = clean(condition);
  if (textWidth(text, SIZE, true) <= room) return [{ text, bold: true }];
  const cut = Math.max(0, ...SIGNS.map((sign) => text.lastIndexOf(sign)));
  const parts = cut > 0 ? [text.slice(0, cut), text.slice(cut + 1)] : [text];
  const lines = parts.flatMap((part) => wrap(part, room, SIZE, 2, true));
  return lines.map((line) => ({ text: line, bold: true, tooltip: text }));
}

/** The weighted counts in at most two lines; more classes than fit are told by the tooltip. */
function valueLines(value: number[], room: number): Line[] {
  const counts = value.map(formatCount);
  const full = `value = [${counts.join(", ")}]`;
  const lines = wrap(full, room, SIZE, 99);
  if (lines.length <= 2) return lines.map((text) => ({ text, bold: false }));
  let shown = counts.length;
  let cut = lines;
  while (cut.length > 2 && shown > 1) {
    shown--;
    cut = wrap(`value = [${counts.slice(0, shown).join(", ")}, …]`, room, SIZE, 99);
  }
  return cut.map((text) => ({ text, bold: false, tooltip: full }));
}

function drawBox(canvas: Container, tree: TreePlot, node: Node, box: Box): void {
  const left = box.x - box.width / 2;
  const fill = mix(classColor(node.class), 0.72 * purity(node.value));
  const ink = inkOn(fill);
  const group = canvas.group();
  put(group, "rect", {
    x: left,
    y: box.y,
    width: box.width,
    height: box.height,
    rx: 5,
    fill,
    stroke: BORDER,
  });
  box.lines.forEach((line, i) => {
    const style = {
      size: SIZE,
      bold: line.bold,
      fill: ink,
      anchor: "middle",
      tooltip: line.tooltip,
    } as const;
    const shift = i >= box.pictureAt && pictureOf(tree, node) ? PICTURE_ROOM : 0;
    label(group, box.x, box.y + PADDING + shift + (i + 0.75) * LINE, line.text, {
      ...style,
      room: box.width - 2 * PADDING,
    });
  });
  drawPicture(group, tree, node, box);
  drawShares(group, tree, node, box);
}

function pictureOf({ image }: TreePlot, { condition, pixel }: Node) {
  return image && pixel && condition !== null ? { ...image, ...pixel } : undefined;
}

/** Where in the image a condition's pixel is: its cell in the colour of its channel, on cross hairs. */
function drawPicture(group: Container, tree: TreePlot, node: Node, box: Box): void {
  const picture = pictureOf(tree, node);
  if (!picture) return;
  const unit = PICTURE / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * unit, picture.height * unit];
  const left = box.x - width / 2;
  const top = box.y + PADDING + box.pictureAt * LINE + 4;
  const { name, color } = CHANNELS[picture.channel] ?? CHANNELS.l;
  const [x, y] = [left + (picture.x + 0.5) * unit, top + (picture.y + 0.5) * unit];
  const frame = put(group, "rect", { x: left, y: top, width, height, fill: CARD, stroke: AXIS });
  tooltip(frame, `${name} in row ${picture.y}, column ${picture.x}`);
  const hairs = `M${round(left)} ${round(y)}h${round(width)}M${round(x)} ${round(top)}v${round(height)}`;
  put(group, "path", { d: hairs, stroke: GRID, "stroke-width": 1 });
  const size = Math.max(unit, 4);
  put(group, "rect", { x: x - size / 2, y: y - size / 2, width: size, height: size, fill: color });
}

/** How far the largest class leads the next, of what it could lead: 0 for a tie, 1 for a pure node. */
function purity(value: number[]): number {
  const [first, second = 0] = sharesOf(value).sort((a, b) => b - a);
  return first > 0 && second < 1 ? (first - second) / (1 - second) : 0;
}

/** Each class's share of what can be drawn of a node; none where that is nothing. */
function sharesOf(value: number[]): number[] {
  const counts = value.map((count) => (count > 0 && isDrawable(count) ? count : 0));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return total > 0 && isDrawable(total) ? counts.map((count) => count / total) : [];
}

/** A thin bar at the foot of a box: each class's share of it. */
function drawShares(group: Container, tree: TreePlot, node: Node, box: Box): void {
  const shares = sharesOf(node.value);
  if (shares.length === 0) return;
  const width = box.width - 2 * PADDING;
  let x = box.x - width / 2;
  const y = box.y + box.height - PADDING - BAR + 2;
  put(group, "rect", { x: x - 1, y: y - 1, width: width + 2, height: BAR + 2, rx: 2, fill: CARD });
  shares.forEach((share, i) => {
    const long = share * width;
    if (long === 0) return;
    const part = put(group, "rect", { x, y, width: long, height: BAR, fill: classColor(i) });
    tooltip(part, `${tree.classes[i] ?? i}: ${formatCount(node.value[i])}`);
    x += long;
  });
}

/** From a box to its child's: thicker where more rows go. A child in the lower row is reached through the gap. */
function drawEdge(
  edges: Container,
  root: Placed,
  boxes: Map<Placed, Box>,
  source: Placed,
  target: Placed,
): void {
  const from = boxes.get(source)!;
  const to = boxes.get(target)!;
  const level = Math.min(...source.children!.map((child) => boxes.get(child)!.y));
  const start = from.y + from.height;
  const end = Math.min(level, start + 4 * LEVEL_GAP);
  const middle = round((start + end) / 2);
  const [x0, x1] = [round(from.x), round(to.x)];
  const down = to.y > end ? `V${round(to.y)}` : "";
  const share = target.data.samples / root.data.samples;
  const d = `M${x0} ${round(start)}C${x0} ${middle} ${x1} ${middle} ${x1} ${round(end)}${down}`;
  put(edges, "path", { d, "stroke-width": 1 + 4 * (share > 0 && share <= 1 ? share : 0) });
}

function labelBranches(canvas: Container, boxes: Map<Placed, Box>, root: Placed): void {
  const from = boxes.get(root)!;
  root.children!.forEach((child, i) => {
    const x = (from.x + boxes.get(child)!.x) / 2 + (i === 0 ? -8 : 8);
    const y = from.y + from.height + LEVEL_GAP / 2 - 8;
    label(canvas, x, y, i === 0 ? "True" : "False", {
      size: 13,
      bold: true,
      fill: i === 0 ? INK : MUTED,
      anchor: i === 0 ? "end" : "start",
    });
  });
}
