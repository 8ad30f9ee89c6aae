import type { Container } from "@svgdotjs/svg.js";
import { scaleLinear } from "d3-scale";
import { type Area, isDrawable, type Linear, linear, linePath, rangeOf, xAxis, yAxis } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, toXml } from "./canvas.ts";
import { classColor, INK, MUTED } from "./colors.ts";
import { type LegendEntry, legend } from "./legend.ts";
import { formatFixed, formatNumber, textWidth } from "./text.ts";

/** The learning curves of one split, one number an epoch; empty lists are not drawn. */
export interface CurvesPlot {
  metric: string;
  mean: number[];
  best: number[];
  max: number[];
  criticLoss: number[];
  discriminatorLoss: number[];
  stopped: { epoch: number; reason: string };
}

interface Line {
  name: string;
  values: number[];
  color: string;
  dash?: boolean;
  thick?: boolean;
}

const WIDTH = 1200;
const REASONS: Record<string, string> = {
  epochs: "all epochs done",
  patience: "patience ran out",
  interrupted: "interrupted",
  diverged: "a loss was no longer finite",
  time: "time was up",
};

/**
 * Scores of each epoch's sets (mean, max, best so far) above, losses of critic and discriminator below, and a line
 * where training stopped, with the reason.
 */
export function drawCurves(curves: CurvesPlot): string {
  const title = "Learning curves";
  const scores: Line[] = [
    { name: "mean of the epoch", values: curves.mean, color: classColor(0), thick: true },
    { name: "best of the epoch", values: curves.max, color: classColor(5) },
    { name: "best so far", values: curves.best, color: classColor(1), thick: true },
  ].filter(drawable);
  const losses = [
    { label: "Critic loss (MSE)", name: "critic", values: curves.criticLoss, color: classColor(2) },
    {
      label: "Discriminator loss (BCE)",
      name: "discriminator",
      values: curves.discriminatorLoss,
      color: classColor(3),
    },
  ].filter(drawable);
  if (scores.length + losses.length === 0) {
    return drawNothing(title, "Nothing to draw: training ended before its first epoch.");
  }
  const epochs = Math.max(...[...scores, ...losses].map(({ values }) => values.length), 1);
  const height = losses.length ? 640 : 440;
  const { epoch, reason } = curves.stopped;
  const why = `stopped after epoch ${formatNumber(epoch)}: ${REASONS[reason] ?? reason}`;
  const subtitle = `${curves.metric} of each epoch's generated sets, as training scores them`;
  const canvas = openCanvas({ width: WIDTH, height, title, subtitle, aside: 620 });

  const entries = scores.map<LegendEntry>(({ name, values, color }) => ({
    text: `${name} ${formatFixed(values[values.length - 1], 3)}`,
    color,
    mark: "line",
  }));
  legend(canvas, { right: WIDTH - 24, y: 32, width: 600, rows: 2 }, entries);
  const panel = (area: Area, name: string, lines: Line[], ends: boolean) =>
    drawPanel(canvas, area, { name, lines, epochs, stop: epoch, why: ends ? why : "" });
  if (scores.length) panel({ x: 84, y: 76, width: WIDTH - 116, height: 290 }, curves.metric, scores, true);
  losses.forEach((line, i) => {
    const width = losses.length === 2 ? 490 : WIDTH - 116;
    const area = { x: 84 + i * (WIDTH - 116 - 490), y: 436, width, height: 140 };
    panel(area, line.label, [line], scores.length === 0);
  });
  return toXml(canvas);
}

const drawable = ({ values }: { values: number[] }) => rangeOf(values) !== undefined;

function drawPanel(
  canvas: Container,
  area: Area,
  panel: { name: string; lines: Line[]; epochs: number; stop: number; why: string },
): void {
  const { lines, epochs, stop } = panel;
  const last = Math.max(epochs, isDrawable(stop) ? stop : 0);
  const x = scaleLinear(last > 1 ? [1, last] : [0.5, 1.5], [area.x, area.x + area.width]);
  const values = lines.flatMap((line) => line.values);
  const y = linear(values, area.y + area.height, area.y);
  const [low, high] = y.domain();
  // Room below the lines is no reason to show numbers that a metric without negative values cannot have.
  if (!values.some((value) => value < 0)) y.domain([Math.max(low, 0), high]);
  y.nice(5);
  const whole = x.ticks(Math.min(last, area.width / 90)).filter(Number.isInteger);
  yAxis(canvas, area, y, { label: panel.name });
  xAxis(canvas, area, x, { label: "epoch", values: whole.includes(1) ? whole : [1, ...whole] });
  if (stop >= 1 && isDrawable(stop)) drawStop(canvas, area, x(stop), panel.why);
  for (const line of lines) drawLine(canvas, line, x, y);
}

function drawLine(canvas: Container, { values, color, thick }: Line, x: Linear, y: Linear): void {
  const points = values.map((value, i) => [x(i + 1), y(value)] as const);
  if (values.filter(isDrawable).length === 1) {
    const [cx, cy] = points[values.findIndex(isDrawable)];
    put(canvas, "circle", { cx, cy, r: 4, fill: color });
    return;
  }
  const stroke = { stroke: color, "stroke-width": thick ? 2.2 : 1.3, "stroke-linejoin": "round" };
  put(canvas, "path", { d: linePath(points), fill: "none", ...stroke });
}

/** A dashed line where training stopped; the reason stands above the panel, where no line crosses it. */
function drawStop(canvas: Container, area: Area, x: number, why: string): void {
  const d = `M${round(x)} ${round(area.y)}v${round(area.height)}`;
  put(canvas, "path", { d, stroke: INK, "stroke-width": 1.3, "stroke-dasharray": "5 4" });
  if (!why) return;
  const left = Math.max(area.x, Math.min(x, area.x + area.width - textWidth(why, 12)));
  label(canvas, left, area.y - 6, why, { size: 12, fill: MUTED, room: area.width });
}
