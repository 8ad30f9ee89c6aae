import type { Container } from "@svgdotjs/svg.js";
import { mean } from "../correlation.ts";
import { isDrawable } from "./axes.ts";
import { drawNothing, label, openCanvas, put, tooltip, toXml } from "./canvas.ts";
import { classColor, GRID, inkOn, MUTED, mix } from "./colors.ts";
import { formatImportance, formatNumber } from "./text.ts";

/** Importances across splits: one row a column, one cell a split, one panel a kind of importance. */
export interface HeatmapPlot {
  columns: string[];
  splits: string[];
  panels: {
    title: string;
    /** `values[column][split]`. */
    values: number[][];
  }[];
}

const WIDTH = 1200;
const TOP = 116;
const ROW = 26;
const NAME = 230;
const SHOWN = 40;

/** Rows by mean value, darkest cell the largest; blue above zero, vermilion below; the mean over splits at the end. */
export function drawHeatmap(heatmap: HeatmapPlot): string {
  const title = "Importances across splits";
  const { columns, splits, panels } = heatmap;
  if (columns.length === 0 || splits.length === 0 || panels.length === 0) {
    return drawNothing(title, "Nothing to draw: no split has importances.");
  }
  const means = panels.map(({ values }) => columns.map((_, i) => mean((values[i] ?? []).filter(isDrawable))));
  const order = columns.map((_, i) => i).sort((a, b) => finite(means[0][b]) - finite(means[0][a]) || a - b);
  const shown = order.slice(0, SHOWN);
  const hidden = columns.length - shown.length;
  const width = (WIDTH - NAME - 48 - 28 * panels.length) / panels.length;
  const subtitle = `One cell a split, ordered by the mean${hidden ? `; ${hidden} less important columns are not drawn` : ""}`;
  const canvas = openCanvas({ width: WIDTH, height: TOP + shown.length * ROW + 24, title, subtitle });
  shown.forEach((column, row) => {
    label(canvas, 24 + NAME, TOP + row * ROW + 17, columns[column], { size: 13, anchor: "end", room: NAME });
  });
  panels.forEach((panel, i) => {
    const left = 24 + NAME + 14 + i * (width + 28);
    const values = shown.map((column) => [
      ...splits.map((_, split) => panel.values[column]?.[split]),
      means[i][column],
    ]);
    drawGrid(canvas, {
      left,
      width,
      title: panel.title,
      splits,
      values,
      names: shown.map((column) => columns[column]),
    });
  });
  return toXml(canvas);
}

const finite = (value: number) => (isDrawable(value) ? value : 0);

function drawGrid(
  canvas: Container,
  grid: { left: number; width: number; title: string; splits: string[]; values: number[][]; names: string[] },
): void {
  const { left, splits, values } = grid;
  const headings = [...splits, "mean"];
  // The mean stands a little apart.
  const apart = 8;
  const cell = (grid.width - apart) / headings.length;
  const largest = Math.max(...values.flat().map((value) => Math.abs(finite(value)))) || 1;
  label(canvas, left, TOP - 30, grid.title, { size: 14, bold: true, room: grid.width });
  headings.forEach((heading, column) => {
    const x = left + column * cell + (column === splits.length ? apart : 0);
    const isMean = column === splits.length;
    // Where cells are narrow, every few splits are named; the mean may reach over its neighbours' gap.
    if (isMean || column % Math.ceil(18 / cell) === 0) {
      const style = {
        size: 12,
        fill: MUTED,
        anchor: "middle",
        room: Math.max(cell - 2, isMean ? 40 : 18),
      } as const;
      label(canvas, x + cell / 2, TOP - 8, heading, style);
    }
    values.forEach((row, i) => {
      const value = row[column];
      const known = isDrawable(value);
      const strength = known ? (0.9 * Math.abs(value)) / largest : 0;
      const fill = known ? mix(classColor(value < 0 ? 1 : 0), strength) : GRID;
      const y = TOP + i * ROW;
      const rect = put(canvas, "rect", {
        x: x + 1,
        y: y + 1,
        width: Math.max(cell - 2, 1),
        height: ROW - 2,
        rx: 2,
        fill,
      });
      tooltip(rect, `${grid.names[i]}, ${heading}: ${formatNumber(value)}`);
      if (cell < 34) return;
      label(canvas, x + cell / 2, y + 17, formatImportance(value), {
        size: 11,
        fill: inkOn(fill),
        anchor: "middle",
      });
    });
  });
}
