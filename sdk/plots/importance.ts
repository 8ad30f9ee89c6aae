import { type Area, isDrawable, linear, xAxis } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, tooltip, toXml } from "./canvas.ts";
import { AXIS, classColor, GRID, INK } from "./colors.ts";
import { formatImportance, formatNumber, textWidth } from "./text.ts";

export interface Importance {
  /** Column of the table (the encoder's features are summed per column). */
  column: string;
  /** Share of the tree's impurity decrease; sums to 1. */
  impurity: number;
  /** Mean drop of the metric on held-out rows when the column is shuffled. */
  permutation: number;
}

/** An importance over several splits: with standard deviations, drawn as whiskers. */
export type ImportanceBar = Importance & { impuritySd?: number; permutationSd?: number };

const WIDTH = 1200;
const TOP = 74;
const ROW = 24;
const NAME = 250;
const SHOWN = 20;

/**
 * Impurity and permutation importances side by side, most important columns first: the top 20, the rest counted.
 * @param options.metric the metric whose drop the permutation importance is
 * @param options.title what stands above, where it is more than one split's
 */
export function drawImportance(
  importances: readonly ImportanceBar[],
  options: { metric: string; title?: string },
): string {
  const { metric, title = "Feature importances" } = options;
  if (importances.length === 0) return drawNothing(title, "Nothing to draw: no column has an importance.");
  const sorted = [...importances].sort((a, b) => rank(b) - rank(a) || drop(b) - drop(a));
  const bars = sorted.slice(0, SHOWN);
  const rest = sorted.slice(SHOWN);
  const height = TOP + 24 + bars.length * ROW + 44 + (rest.length ? 22 : 0);
  const spread = importances.some(({ impuritySd }) => impuritySd !== undefined);
  const whiskers = spread ? "; whiskers: ± one standard deviation" : "";
  const subtitle = `Share of each column in the tree, and what the held-out metric loses when it is shuffled${whiskers}`;
  const canvas = openCanvas({ width: WIDTH, height, title, subtitle });
  const area = (x: number): Area => ({ x, y: TOP + 24, width: 420, height: bars.length * ROW });

  bars.forEach(({ column }, i) => {
    const y = TOP + 24 + (i + 0.5) * ROW + 4;
    label(canvas, 24 + NAME, y, column, { size: 13, anchor: "end", room: NAME });
  });
  const panels = [
    { x: 290, name: "Impurity decrease (share)", color: classColor(0), value: "impurity", sd: "impuritySd" },
    {
      x: 752,
      name: `Permutation: drop of ${metric}`,
      color: classColor(1),
      value: "permutation",
      sd: "permutationSd",
    },
  ] as const;
  for (const { x, name, color, value, sd } of panels) {
    drawBars(
      canvas,
      area(x),
      name,
      color,
      bars.map((bar) => ({ column: bar.column, value: bar[value], sd: bar[sd] ?? 0 })),
    );
  }
  if (rest.length) {
    const share = rest.reduce((sum, bar) => sum + rank(bar), 0);
    const text = `and ${rest.length} more columns, together ${formatNumber(share, 2)} of the impurity decrease`;
    label(canvas, 24, height - 20, text, { size: 13, room: 1150 });
  }
  return toXml(canvas);
}

const rank = ({ impurity }: Importance) => (isDrawable(impurity) ? impurity : 0);
const drop = ({ permutation }: Importance) => (isDrawable(permutation) ? permutation : 0);

function drawBars(
  canvas: ReturnType<typeof openCanvas>,
  area: Area,
  name: string,
  color: string,
  bars: { column: string; value: number; sd: number }[],
): void {
  const ends = bars.flatMap(({ value, sd }) => [value - sd, value + sd, value]);
  // Room for the number at a bar's end.
  const scale = linear([0, ...ends], area.x + 4, area.x + area.width - 52, 0).nice(5);
  const zero = scale(0);
  label(canvas, area.x, area.y - 10, name, { size: 13, bold: true, room: area.width });
  xAxis(canvas, area, scale, { ticks: 5 });
  for (const tick of scale.ticks(5)) {
    put(canvas, "path", { d: `M${round(scale(tick))} ${round(area.y)}v${round(area.height)}`, stroke: GRID });
  }
  bars.forEach(({ column, value, sd }, i) => {
    const y = area.y + i * ROW;
    const text = formatImportance(value);
    const middle = y + ROW / 2;
    if (isDrawable(value)) {
      const [low, high] = [Math.min(zero, scale(value)), Math.max(zero, scale(value))];
      const bar = put(canvas, "rect", { x: low, y: y + 4, width: high - low, height: ROW - 8, fill: color });
      tooltip(bar, `${column}: ${formatNumber(value)}`);
    }
    const reach = isDrawable(value) && isDrawable(sd) ? sd : 0;
    if (reach > 0) {
      const d = `M${round(scale(value - reach))} ${round(middle)}H${round(scale(value + reach))}`;
      put(canvas, "path", { d, stroke: INK, "stroke-width": 1.5 });
    }
    const end = isDrawable(value) ? Math.max(zero, scale(value + reach)) : zero;
    label(canvas, Math.min(end + 5, area.x + area.width - textWidth(text, 12)), middle + 4, text, {
      size: 12,
    });
  });
  put(canvas, "path", { d: `M${round(zero)} ${round(area.y)}v${round(area.height)}`, stroke: AXIS });
}
