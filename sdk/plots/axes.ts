/** Axes and lines, as the plots share them. */
import type { Container } from "@svgdotjs/svg.js";
import { extent } from "d3-array";
import { type ScaleLinear, scaleLinear } from "d3-scale";
import { label, put, round } from "./canvas.ts";
import { AXIS, GRID, MUTED } from "./colors.ts";
import { formatFixed, formatNumber, textWidth } from "./text.ts";

/** The rectangle data is drawn in, axes outside. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Linear = ScaleLinear<number, number>;

/**
 * Whether a number has a place on an axis: finite (JSON has null for what is not), and small enough
 * for differences to stay finite.
 */
export const isDrawable = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) < 1e150;

/** The drawable range of `values`, widened where it is as good as a single point; undefined when nothing is drawable. */
export function rangeOf(values: Iterable<number>): [number, number] | undefined {
  const [low, high] = extent([...values].filter(isDrawable));
  if (low === undefined || high === undefined) return undefined;
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > 1e-9 * size && size > 1e-150) return [low, high];
  const pad = size > 1e-150 ? size * 0.1 : 0.5;
  return [low - pad, high + pad];
}

/** A linear scale over the range of `values`, `pad` of it free on both sides. */
export function linear(values: Iterable<number>, from: number, to: number, pad = 0.04): Linear {
  const [low, high] = rangeOf(values) ?? [0, 1];
  const margin = (high - low) * pad;
  return scaleLinear([low - margin, high + margin], [from, to]);
}

export interface AxisStyle {
  label?: string;
  ticks?: number;
  values?: number[];
  format?: (value: number) => string;
  size?: number;
  /** No ticks and no grid where the numbers mean nothing (t-SNE). */
  bare?: boolean;
}

/** Ticks and label below `area`. */
export function xAxis(parent: Container, area: Area, scale: Linear, style: AxisStyle = {}): void {
  const { size = 12, bare = false } = style;
  const bottom = area.y + area.height;
  const ticks = style.values ?? scale.ticks(style.ticks ?? Math.max(2, area.width / 90));
  put(parent, "path", { d: `M${round(area.x)} ${round(bottom)}h${round(area.width)}`, stroke: AXIS });
  const texts = tickTexts(ticks, style.format);
  for (const [i, value] of bare ? [] : ticks.entries()) {
    const x = scale(value);
    put(parent, "path", { d: `M${round(x)} ${round(bottom)}v4`, stroke: AXIS });
    label(parent, x, bottom + 6 + size, texts[i], { size, fill: MUTED, anchor: "middle" });
  }
  if (style.label) {
    const y = bottom + (bare ? 20 : 14 + 2.1 * size);
    label(parent, area.x + area.width / 2, y, style.label, { size, anchor: "middle", room: area.width });
  }
}

/** Grid lines across `area`, tick labels and a rotated label at its left. */
export function yAxis(parent: Container, area: Area, scale: Linear, style: AxisStyle = {}): void {
  const { size = 12, bare = false } = style;
  const ticks = style.values ?? scale.ticks(style.ticks ?? Math.max(2, area.height / 45));
  const texts = bare ? [] : tickTexts(ticks, style.format);
  for (const [i, value] of bare ? [] : ticks.entries()) {
    const y = scale(value);
    put(parent, "path", { d: `M${round(area.x)} ${round(y)}h${round(area.width)}`, stroke: GRID });
    label(parent, area.x - 8, y + size * 0.35, texts[i], { size, fill: MUTED, anchor: "end" });
  }
  if (!style.label) return;
  const x = area.x - (bare ? 10 : 18 + Math.max(0, ...texts.map((text) => textWidth(text, size))));
  const y = area.y + area.height / 2;
  label(parent, x, y, style.label, { size, anchor: "middle", rotate: -90, room: area.height + 30 });
}

/** Tick labels with as many decimals as the finest of them needs. */
function tickTexts(ticks: number[], format?: (value: number) => string): string[] {
  if (format) return ticks.map((value) => format(value));
  const plain = ticks.map((value) => formatNumber(value, 10));
  if (plain.some((text) => text.includes("e"))) return plain;
  const decimals = Math.max(0, ...plain.map((text) => text.split(".")[1]?.length ?? 0));
  return ticks.map((value) => formatFixed(value, decimals));
}

/** Path data through the points; a point that is not drawable breaks the line. */
export function linePath(points: Iterable<readonly [number, number]>): string {
  let path = "";
  let pen = "M";
  for (const [x, y] of points) {
    if (isDrawable(x) && isDrawable(y)) {
      path += `${pen}${round(x)} ${round(y)}`;
      pen = "L";
    } else pen = "M";
  }
  return path;
}
