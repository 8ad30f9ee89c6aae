import type { Container } from "@svgdotjs/svg.js";
import { scaleLinear } from "d3-scale";
import { type Area, isDrawable, type Linear, linear, xAxis, yAxis } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, tooltip, toXml } from "./canvas.ts";
import { AXIS, REAL, SYNTHETIC } from "./colors.ts";
import { legend } from "./legend.ts";
import { formatNumber, formatPercent } from "./text.ts";

/** Each column's values, real against synthetic, as shares that sum to 1. */
export interface DistributionPlot {
  columns: {
    name: string;
    /** `histogram`: `edges` has one more entry than the shares; `bars`: one label a share. */
    kind: "histogram" | "bars";
    edges?: number[];
    /** The edges are times, in milliseconds since 1970 UTC. */
    times?: boolean;
    labels?: string[];
    real: number[];
    synthetic: number[];
  }[];
}

type Column = DistributionPlot["columns"][number];

const WIDTH = 1200;
const TOP = 84;
const ACROSS = 4;
const CELL = { width: 288, height: 218 };
const SHOWN = 60;
const BARS = 6;

/** Small multiples: each column's synthetic shares as filled bars, the real ones as an outline over them. */
export function drawDistributions(distribution: DistributionPlot): string {
  const title = "Distributions, real over synthetic";
  const { columns } = distribution;
  if (columns.length === 0) return drawNothing(title, "Nothing to draw: no column was compared.");
  const shown = columns.slice(0, SHOWN);
  const rows = Math.ceil(shown.length / ACROSS);
  const hidden = columns.length - shown.length;
  const subtitle = `Share of rows per value or range${hidden ? `; ${hidden} more columns are not drawn` : ""}`;
  const height = TOP + rows * CELL.height + 12;
  const canvas = openCanvas({ width: WIDTH, height, title, subtitle, aside: 260 });
  legend(canvas, { right: WIDTH - 24, y: 32, width: 260, rows: 1 }, [
    { text: "real", color: REAL, mark: "line" },
    { text: "synthetic", color: SYNTHETIC, mark: "box" },
  ]);
  shown.forEach((column, i) => {
    const x = 24 + (i % ACROSS) * CELL.width;
    const y = TOP + Math.floor(i / ACROSS) * CELL.height;
    label(canvas, x, y + 14, column.name, { size: 13, bold: true, room: CELL.width - 24 });
    if (column.kind === "histogram") drawHistogram(canvas, x, y, column);
    else drawBars(canvas, x, y, column);
  });
  return toXml(canvas);
}

const share = (value: number) => (isDrawable(value) && value > 0 ? value : 0);

function drawHistogram(canvas: Container, left: number, top: number, column: Column): void {
  const area = { x: left + 44, y: top + 26, width: CELL.width - 76, height: CELL.height - 70 };
  const edges = column.edges ?? [];
  const bins = Math.min(edges.length - 1, Math.max(column.real.length, column.synthetic.length));
  if (!(bins > 0) || !edges.every(isDrawable) || edges[0] === edges[bins]) {
    drawEmpty(canvas, area);
    return;
  }
  const x = linear(edges, area.x, area.x + area.width, 0);
  const y = heightScale(area, [...column.real, ...column.synthetic]);
  yAxis(canvas, area, y, { ticks: 3, format: formatPercent, size: 11 });
  const edge = column.times ? (value: number) => formatTime(value, edges[bins] - edges[0]) : formatNumber;
  const bin = (i: number) => [x(edges[i]), x(edges[i + 1])] as const;
  for (let i = 0; i < bins; i++) {
    const [from, to] = bin(i);
    const value = share(column.synthetic[i]);
    const end = area.y + area.height;
    const gap = to - from > 4 ? 1 : 0;
    const attributes = {
      x: from,
      y: y(value),
      width: Math.max(to - from - gap, 0.5),
      height: end - y(value),
      fill: SYNTHETIC,
    };
    const text = `${edge(edges[i])} to ${edge(edges[i + 1])}: real ${formatPercent(share(column.real[i]))}, synthetic ${formatPercent(value)}`;
    tooltip(put(canvas, "rect", attributes), text);
  }
  let outline = `M${round(area.x)} ${round(area.y + area.height)}`;
  for (let i = 0; i < bins; i++) outline += `V${round(y(share(column.real[i])))}H${round(bin(i)[1])}`;
  outline += `V${round(area.y + area.height)}`;
  put(canvas, "path", {
    d: outline,
    fill: "none",
    stroke: REAL,
    "stroke-width": 1.6,
    "stroke-linejoin": "round",
  });
  xAxis(canvas, area, x, { ticks: 3, size: 11, format: edge });
}

/** A year, month, day or minute, whichever tells ticks over `span` milliseconds apart. */
function formatTime(millis: number, span: number): string {
  const day = 86_400_000;
  const text = new Date(millis).toISOString();
  if (span > 5 * 365 * day) return text.slice(0, 4);
  if (span > 150 * day) return text.slice(0, 7);
  return span > 5 * day ? text.slice(0, 10) : text.slice(5, 16).replace("T", " ");
}

/** Categories as horizontal bars, the most frequent ones; the others are added up in a last bar. */
function drawBars(canvas: Container, left: number, top: number, column: Column): void {
  const area = { x: left + 104, y: top + 26, width: CELL.width - 136, height: CELL.height - 70 };
  const all = (column.labels ?? []).map((name, i) => ({
    name,
    real: share(column.real[i]),
    made: share(column.synthetic[i]),
  }));
  if (all.length === 0) {
    drawEmpty(canvas, area);
    return;
  }
  const bars = all.length <= BARS ? all : mostFrequent(all);
  const x = scaleLinear(
    [0, Math.max(...bars.flatMap(({ real, made }) => [real, made])) || 1],
    [area.x, area.x + area.width],
  ).nice(3);
  const row = Math.min(area.height / bars.length, 34);
  for (const tick of x.ticks(3)) {
    put(canvas, "path", {
      d: `M${round(x(tick))} ${round(area.y)}v${round(area.height)}`,
      stroke: "#e4e8ec",
    });
  }
  bars.forEach(({ name, real, made }, i) => {
    const y = area.y + i * row;
    label(canvas, area.x - 8, y + row / 2 + 4, name, { size: 11.5, anchor: "end", room: 92 });
    const bar = put(canvas, "rect", {
      x: area.x,
      y: y + row * 0.2,
      width: x(made) - area.x,
      height: row * 0.6,
      fill: SYNTHETIC,
    });
    tooltip(bar, `${name}: real ${formatPercent(real)}, synthetic ${formatPercent(made)}`);
    const d = `M${round(area.x)} ${round(y + row * 0.1)}H${round(x(real))}V${round(y + row * 0.9)}H${round(area.x)}`;
    put(canvas, "path", { d, fill: "none", stroke: REAL, "stroke-width": 1.6 });
  });
  put(canvas, "path", { d: `M${round(area.x)} ${round(area.y)}v${round(area.height)}`, stroke: AXIS });
  xAxis(canvas, area, x, { ticks: 3, size: 11, format: formatPercent });
}

function mostFrequent(all: { name: string; real: number; made: number }[]) {
  const sorted = [...all].sort((a, b) => b.real + b.made - a.real - a.made);
  const rest = sorted.splice(BARS - 1);
  const sum = (pick: (bar: (typeof all)[number]) => number) =>
    rest.reduce((total, bar) => total + pick(bar), 0);
  return [
    ...sorted,
    { name: `${rest.length} others`, real: sum((bar) => bar.real), made: sum((bar) => bar.made) },
  ];
}

function heightScale(area: Area, shares: number[]): Linear {
  return scaleLinear([0, Math.max(...shares.map(share)) || 1], [area.y + area.height, area.y]).nice(3);
}

function drawEmpty(canvas: Container, area: Area): void {
  label(canvas, area.x, area.y + area.height / 2, "no values", { size: 12, fill: AXIS });
}
