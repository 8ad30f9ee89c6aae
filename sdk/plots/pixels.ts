import type { Container } from "@svgdotjs/svg.js";
import { isDrawable } from "./axes.ts";
import { drawNothing, label, openCanvas, put, round, toXml } from "./canvas.ts";
import { AXIS, CARD, classColor, GRID, MUTED, mix } from "./colors.ts";
import { formatNumber } from "./text.ts";

/** Numbers that belong to the pixels of an image, such as importances: a row of maps a kind, a map a channel. */
export interface PixelsPlot {
  title: string;
  subtitle: string;
  width: number;
  height: number;
  /** What the maps of a row are called. */
  channels: string[];
  rows: {
    title: string;
    /** `values[channel][y · width + x]`; what is no number is a constant pixel, which has none. */
    values: number[][];
  }[];
}

const WIDTH = 1200;
const TOP = 76;
const LEFT = 24;
const PANEL = 224;
const HEAD = 44;
const GAP = 24;
/** Shades between nothing and the strongest; cells of one shade are one path. */
const SHADES = 24;

/**
 * Maps of the image, the darkest cell the strongest: blue above zero, vermilion below. Maps of single channels share their
 * scale in a row, their sum has its own.
 */
export function drawPixels({ title, subtitle, width, height, channels, rows }: PixelsPlot): string {
  if (width < 1 || height < 1 || rows.length === 0)
    return drawNothing(title, "Nothing to draw: there are no pixels.");
  const unit = PANEL / Math.max(width, height);
  const step = (WIDTH - LEFT) / 4;
  const tall = HEAD + height * unit + GAP;
  const canvas = openCanvas({ width: WIDTH, height: TOP + rows.length * tall, title, subtitle });
  rows.forEach((row, i) => {
    const y = TOP + i * tall;
    const sums = channels.length > 1 ? [...row.values, sumOf(row.values)] : row.values;
    const names = channels.length > 1 ? [...channels, "sum"] : channels;
    label(canvas, LEFT, y + 14, row.title, { size: 14, bold: true, room: WIDTH - 2 * LEFT });
    const largest = strongest(row.values.flat());
    sums.forEach((values, panel) => {
      const most = panel < row.values.length ? largest : strongest(values);
      const x = LEFT + panel * step;
      const caption = `${names[panel]}, darkest ${formatNumber(most, 2)}`;
      label(canvas, x, y + 34, caption, { size: 12, fill: MUTED, room: step - 8 });
      drawMap(canvas, { x, y: y + HEAD, unit, width, height }, values, most);
    });
  });
  return toXml(canvas);
}

const strength = (value: number) => (isDrawable(value) ? Math.abs(value) : 0);
const strongest = (values: number[]) => values.reduce((most, value) => Math.max(most, strength(value)), 0);

/** The sum over channels, of those that have a number. */
function sumOf(values: number[][]): number[] {
  return values[0].map((_, at) => {
    const known = values.map((channel) => channel[at]).filter(isDrawable);
    return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : Number.NaN;
  });
}

function drawMap(
  canvas: Container,
  { x, y, unit, width, height }: { x: number; y: number; unit: number; width: number; height: number },
  values: number[],
  most: number,
): void {
  put(canvas, "rect", {
    x: x - 0.5,
    y: y - 0.5,
    width: width * unit + 1,
    height: height * unit + 1,
    fill: CARD,
    stroke: AXIS,
  });
  const cells = new Map<string, string>();
  const side = round(unit);
  for (let at = 0; at < width * height; at++) {
    const fill = shadeOf(values[at], most);
    if (fill === CARD) continue;
    const [left, top] = [round(x + (at % width) * unit), round(y + Math.floor(at / width) * unit)];
    cells.set(fill, `${cells.get(fill) ?? ""}M${left} ${top}h${side}v${side}h${-side}z`);
  }
  for (const [fill, d] of cells) put(canvas, "path", { d, fill });
}

function shadeOf(value: number, most: number): string {
  if (!isDrawable(value)) return GRID;
  const shade = most > 0 ? Math.round((SHADES * strength(value)) / most) / SHADES : 0;
  return shade === 0 ? CARD : mix(classColor(value < 0 ? 1 : 0), shade);
}
