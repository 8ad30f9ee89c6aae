import type { Container } from "@svgdotjs/svg.js";
import { type Area, isDrawable, linear, linePath, xAxis, yAxis } from "./axes.ts";
import { drawNothing, label, openCanvas, put, tooltip, toXml } from "./canvas.ts";
import { classColor, MUTED, mix } from "./colors.ts";
import { legend } from "./legend.ts";
import { clean, formatNumber } from "./text.ts";

/** What λ trades: the metric against each measure of how closely generated rows resemble real ones. */
export interface ParetoPlot {
  metric: string;
  greaterIsBetter: boolean;
  /** By rising λ. */
  points: { lambda: number; score: number; measures: number[] }[];
  /** Names of the measures; smaller is closer to the real rows. */
  measures: string[];
}

const WIDTH = 1200;
const HEIGHT = 440;
const TOP = 96;

/** A panel a measure, a dot a λ, joined by rising λ; what no other λ beats in both is filled. */
export function drawPareto(plot: ParetoPlot): string {
  const { metric, points, measures, greaterIsBetter } = plot;
  const title = `What λ trades: fidelity against ${metric}`;
  if (!points.some(({ score }) => isDrawable(score)) || measures.length === 0) {
    return drawNothing(title, "Nothing to draw: no λ was tried to its end.");
  }
  const better = greaterIsBetter ? "up" : "down";
  const subtitle = `One dot a λ, held-out means over splits; left is closer to the real rows, ${better} is better`;
  const canvas = openCanvas({ width: WIDTH, height: HEIGHT, title, subtitle, aside: 330 });
  legend(canvas, { right: WIDTH - 24, y: 32, width: 330, rows: 1 }, [
    { text: "no λ beats it in both", color: classColor(0), mark: "disc" },
    { text: "beaten", color: MUTED, mark: "ring" },
  ]);
  const slot = (WIDTH - 40) / measures.length;
  measures.forEach((name, i) => {
    const area = { x: 20 + i * slot + 74, y: TOP, width: slot - 104, height: HEIGHT - TOP - 62 };
    drawPanel(canvas, plot, name, i, area);
  });
  return toXml(canvas);
}

function drawPanel(canvas: Container, plot: ParetoPlot, name: string, index: number, area: Area): void {
  const points = plot.points
    .map(({ lambda, score, measures }) => ({ lambda, score, measure: measures[index] }))
    .filter(({ score, measure }) => isDrawable(score) && isDrawable(measure));
  const x = linear(
    points.map(({ measure }) => measure),
    area.x,
    area.x + area.width,
    0.1,
  );
  const y = linear(
    points.map(({ score }) => score),
    area.y + area.height,
    area.y,
    0.14,
  );
  yAxis(canvas, area, y, { label: plot.metric });
  xAxis(canvas, area, x, { label: clean(name), ticks: 5 });
  const way = points.map(({ measure, score }) => [x(measure), y(score)] as const);
  put(canvas, "path", { d: linePath(way), fill: "none", stroke: mix(MUTED, 0.4), "stroke-width": 1.5 });
  const sign = plot.greaterIsBetter ? 1 : -1;
  for (const point of points) {
    const beaten = points.some(
      (other) =>
        other.measure <= point.measure &&
        sign * other.score >= sign * point.score &&
        (other.measure < point.measure || sign * other.score > sign * point.score),
    );
    const [cx, cy] = [x(point.measure), y(point.score)];
    const style = beaten
      ? { fill: "#ffffff", stroke: MUTED }
      : { fill: classColor(0), stroke: classColor(0) };
    const dot = put(canvas, "circle", { cx, cy, r: 6, "stroke-width": 1.6, ...style });
    const values = `${name} ${formatNumber(point.measure)}, ${plot.metric} ${formatNumber(point.score)}`;
    tooltip(dot, `λ = ${formatNumber(point.lambda)}: ${values}`);
    label(canvas, cx + 10, cy - 8, `λ ${formatNumber(point.lambda)}`, { size: 13, halo: true });
  }
}
