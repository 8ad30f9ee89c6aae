import type { Container } from "@svgdotjs/svg.js";
import { type Area, isDrawable, linear, linePath, xAxis, yAxis } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, tooltip, toXml } from "./canvas.ts";
import { AXIS, classColor, MUTED } from "./colors.ts";
import { formatCount, formatFixed, formatPercent } from "./text.ts";

/** How often rows of a given probability are of the class, one panel a method. */
export interface ReliabilityPlot {
  /** What the probabilities are of. */
  of: string;
  panels: {
    title: string;
    brier: number;
    ece: number;
    bins: readonly { rows: number; predicted: number; observed: number }[];
  }[];
}

const WIDTH = 1200;
const SIDE = 330;
const TOP = 104;

/** A dot a bin, the larger the more rows: on the diagonal, probabilities mean what they say. */
export function drawReliability({ of, panels }: ReliabilityPlot): string {
  const title = "Reliability of the probabilities";
  if (!panels.some(({ bins }) => bins.length > 0)) {
    return drawNothing(title, "Nothing to draw: no row was held out.");
  }
  const subtitle = `Held-out rows by their probability of ${of}: on the dashed line it means what it says; area: rows`;
  const canvas = openCanvas({ width: WIDTH, height: TOP + SIDE + 64, title, subtitle });
  const slot = (WIDTH - 48) / panels.length;
  panels.forEach((panel, i) => {
    const x = 24 + i * slot + (slot - SIDE) / 2 + 20;
    drawPanel(canvas, panel, { x, y: TOP, width: SIDE, height: SIDE }, classColor(i), of);
  });
  return toXml(canvas);
}

function drawPanel(
  canvas: Container,
  { title, brier, ece, bins }: ReliabilityPlot["panels"][number],
  area: Area,
  color: string,
  of: string,
): void {
  const x = linear([0, 1], area.x, area.x + area.width, 0.05);
  const y = linear([0, 1], area.y + area.height, area.y, 0.05);
  const values = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const heading = `${title}: Brier ${formatFixed(brier, 3)}, calibration error ${formatFixed(ece, 3)}`;
  label(canvas, area.x + area.width / 2, area.y - 14, heading, { size: 14, bold: true, anchor: "middle" });
  yAxis(canvas, area, y, { label: `share that is ${of}`, values });
  xAxis(canvas, area, x, { label: `mean probability of ${of}`, values });
  const diagonal = `M${round(x(0))} ${round(y(0))}L${round(x(1))} ${round(y(1))}`;
  put(canvas, "path", { d: diagonal, stroke: AXIS, "stroke-width": 1.5, "stroke-dasharray": "6 5" });
  const drawn = bins.filter((bin) => isDrawable(bin.predicted) && isDrawable(bin.observed));
  const points = drawn.map((bin) => [x(bin.predicted), y(bin.observed)] as const);
  put(canvas, "path", { d: linePath(points), fill: "none", stroke: color, "stroke-width": 2 });
  const most = Math.max(1, ...drawn.map(({ rows }) => rows));
  for (const bin of drawn) {
    const r = 3 + 9 * Math.sqrt(bin.rows / most);
    const [cx, cy] = [x(bin.predicted), y(bin.observed)];
    const dot = put(canvas, "circle", { cx, cy, r, fill: color, "fill-opacity": 0.55, stroke: MUTED });
    const said = `${formatPercent(bin.predicted)} predicted, ${formatPercent(bin.observed)} observed`;
    tooltip(dot, `${formatCount(bin.rows)} rows: ${said}`);
  }
}
