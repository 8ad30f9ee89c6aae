import type { Container } from "@svgdotjs/svg.js";
import { type Area, isDrawable, linear, xAxis, yAxis } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, toXml } from "./canvas.ts";
import { classColor, GRID, INK, MUTED, mix } from "./colors.ts";
import { type LegendEntry, legend } from "./legend.ts";
import { formatCount } from "./text.ts";

/** Real and synthetic rows in one plane, one panel a method. */
export interface EmbeddingPlot {
  classes: string[];
  panels: {
    /** "PCA" or "t-SNE". */
    title: string;
    axes: [string, string];
    x: number[];
    y: number[];
    class: number[];
    /** 1 where the row is synthetic. */
    synthetic: number[];
  }[];
}

type Panel = EmbeddingPlot["panels"][number];

const WIDTH = 1200;
const TOP = 100;
const RADIUS = 3.2;

/** Real rows as pale rings, synthetic ones as filled dots on top, coloured by class; one panel a method. */
export function drawEmbedding(embedding: EmbeddingPlot): string {
  const title = "Real and synthetic rows";
  const panels = embedding.panels.filter((panel) => pointsOf(panel).length > 0);
  if (panels.length === 0) return drawNothing(title, "Nothing to draw: no rows were placed in a plane.");
  const columns = Math.min(2, panels.length);
  const width = (WIDTH - 24 - columns * 76) / columns;
  const rows = Math.ceil(panels.length / columns);
  const tall = Math.min(width, 540);
  const points = pointsOf(panels[0]);
  const made = points.filter((point) => point.synthetic).length;
  const subtitle = `${formatCount(points.length - made)} real rows (rings) and ${formatCount(made)} synthetic rows (dots)`;
  const height = TOP + rows * (tall + 90) - 26;
  const canvas = openCanvas({ width: WIDTH, height, title, subtitle, aside: 660 });
  legend(canvas, { right: WIDTH - 24, y: 30, width: 660, rows: 3 }, entries(embedding.classes));
  panels.forEach((panel, i) => {
    const x = 76 + (i % columns) * (width + 76);
    const y = TOP + Math.floor(i / columns) * (tall + 90);
    drawPanel(canvas, { x, y, width, height: tall }, panel);
  });
  return toXml(canvas);
}

function entries(classes: string[]): LegendEntry[] {
  const kinds: LegendEntry[] = [
    { text: "real", color: MUTED, mark: "ring" },
    { text: "synthetic", color: MUTED, mark: "disc" },
  ];
  return [...kinds, ...classes.map<LegendEntry>((text, i) => ({ text, color: classColor(i), mark: "box" }))];
}

interface Point {
  x: number;
  y: number;
  class: number;
  synthetic: boolean;
}

function pointsOf({ x, y, class: classes, synthetic }: Panel): Point[] {
  return x
    .map((value, i) => ({ x: value, y: y[i], class: classes[i], synthetic: synthetic[i] === 1 }))
    .filter((point) => isDrawable(point.x) && isDrawable(point.y));
}

function drawPanel(canvas: Container, area: Area, panel: Panel): void {
  const points = pointsOf(panel);
  const x = linear(
    points.map((point) => point.x),
    area.x,
    area.x + area.width,
  );
  const y = linear(
    points.map((point) => point.y),
    area.y + area.height,
    area.y,
  );
  // Distances in t-SNE's plane have no unit: its axes carry no numbers.
  const bare = /t-?sne|umap/i.test(panel.title);
  label(canvas, area.x, area.y - 10, panel.title, { size: 14, bold: true, fill: INK, room: area.width });
  if (bare) put(canvas, "rect", { ...area, fill: "none", stroke: GRID });
  yAxis(canvas, area, y, { label: panel.axes[1], ticks: 8, bare });
  xAxis(canvas, area, x, { label: panel.axes[0], bare });

  const counts = new Map<number, number>();
  for (const point of points) counts.set(point.class, (counts.get(point.class) ?? 0) + 1);
  // Rare classes are drawn last, so that the frequent ones do not hide them.
  const order = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || a - b);
  for (const synthetic of [false, true]) {
    for (const index of order) {
      const members = points.filter((point) => point.class === index && point.synthetic === synthetic);
      if (members.length === 0) continue;
      const at = members.map((point) => [round(x(point.x)), round(y(point.y))] as const);
      const color = classColor(index);
      if (synthetic) put(canvas, "path", { d: at.map(disc).join(""), fill: color, "fill-opacity": 0.75 });
      else
        put(canvas, "path", {
          d: at.map(disc).join(""),
          fill: "none",
          stroke: mix(color, 0.6),
          "stroke-width": 1.1,
        });
    }
  }
}

/** A circle as path data: one path holds all points of a kind, a tenth of the bytes of an element each. */
function disc([x, y]: readonly [number, number]): string {
  return `M${round(x - RADIUS)} ${y}a${RADIUS} ${RADIUS} 0 1 0 ${2 * RADIUS} 0a${RADIUS} ${RADIUS} 0 1 0 ${-2 * RADIUS} 0z`;
}
