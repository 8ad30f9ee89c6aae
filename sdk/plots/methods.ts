import { type Area, isDrawable, linear, linePath, yAxis } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, tooltip, toXml } from "./canvas.ts";
import { classColor, INK, MUTED, mix } from "./colors.ts";
import { legend } from "./legend.ts";
import { clean, formatFixed, formatNumber, wrap } from "./text.ts";

/** Held-out values of one metric: one row a method, one value a split. */
export interface MethodsPlot {
  metric: string;
  greaterIsBetter: boolean;
  methods: {
    name: string;
    /** One value a split, in the same order for all methods. */
    values: number[];
    mean: number;
  }[];
}

const WIDTH = 1200;
const HEIGHT = 446;

/** A strip a method: a dot a split, the same split's dots joined, the mean as a bar with its value. */
export function drawMethods(plot: MethodsPlot): string {
  const title = `Held-out ${plot.metric} of each method`;
  const { methods } = plot;
  const values = methods.flatMap((method) => [...method.values, method.mean]);
  if (!values.some(isDrawable)) return drawNothing(title, "Nothing to draw: no split was scored.");
  const better = plot.greaterIsBetter ? "higher is better" : "lower is better";
  const subtitle = `One dot a split, joined across methods; ${better}`;
  const canvas = openCanvas({ width: WIDTH, height: HEIGHT, title, subtitle, aside: 420 });
  legend(canvas, { right: WIDTH - 24, y: 32, width: 420, rows: 1 }, [
    { text: "a split", color: MUTED, mark: "disc" },
    { text: "mean", color: INK, mark: "line" },
    { text: "best mean", color: classColor(1), mark: "line" },
  ]);
  const area: Area = { x: 84, y: 80, width: WIDTH - 116, height: HEIGHT - 146 };
  const y = linear(values, area.y + area.height, area.y, 0.08);
  const slot = area.width / methods.length;
  const middle = (i: number) => area.x + (i + 0.5) * slot;
  yAxis(canvas, area, y, { label: plot.metric });

  const splits = Math.max(...methods.map((method) => method.values.length));
  for (let split = 0; split < splits; split++) {
    const points = methods.map((method, i) => [middle(i), y(method.values[split])] as const);
    put(canvas, "path", { d: linePath(points), fill: "none", stroke: mix(MUTED, 0.35), "stroke-width": 1 });
  }
  const best = bestOf(plot);
  methods.forEach((method, i) => {
    const x = middle(i);
    method.values.forEach((value, split) => {
      if (!isDrawable(value)) return;
      const dot = put(canvas, "circle", { cx: x, cy: y(value), r: 4, fill: MUTED, "fill-opacity": 0.75 });
      tooltip(dot, `${method.name}, split ${split + 1}: ${formatNumber(value)}`);
    });
    wrap(clean(method.name), slot - 10, 14, 2, true).forEach((line, row) => {
      const style = { size: 14, bold: i === best, anchor: "middle", room: slot - 10 } as const;
      label(canvas, x, area.y + area.height + 24 + 17 * row, line, style);
    });
    if (!isDrawable(method.mean)) return;
    const half = Math.min(30, slot * 0.25);
    const stroke = i === best ? classColor(1) : INK;
    put(canvas, "path", {
      d: `M${round(x - half)} ${round(y(method.mean))}h${round(2 * half)}`,
      stroke,
      "stroke-width": 3.5,
    });
    label(canvas, x + half + 6, y(method.mean) + 4, formatFixed(method.mean, 3), {
      size: 13,
      bold: true,
      fill: stroke,
      halo: true,
    });
  });
  return toXml(canvas);
}

function bestOf({ methods, greaterIsBetter }: MethodsPlot): number {
  const sign = greaterIsBetter ? 1 : -1;
  let best = -1;
  methods.forEach(({ mean }, i) => {
    if (isDrawable(mean) && (best < 0 || sign * mean > sign * methods[best].mean)) best = i;
  });
  return best;
}
