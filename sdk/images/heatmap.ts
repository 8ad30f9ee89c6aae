/** Importances as an image. */
import type { Cpu, ExtraExports } from "../engine/module.ts";
import { type ImageShape, type Picture, pixelNames, refurl } from "../image.ts";
import { contactSheet } from "./sheet.ts";

/** An importance of each pixel and channel, as a run's results have them. */
export interface PixelImportance {
  column: string;
  impurity: number;
  permutation: number;
}

/** Pixels of a sheet that the image's longer side takes, about. */
const SIZE = 192;

/**
 * Importances refurled: above the shares of impurity, below the drops by permutation, each with all channels in their own
 * colours, then channel by channel and their sum in grey. White is the largest; nothing and what is below are black.
 */
export function importanceSheet(
  cpu: Cpu<ExtraExports>,
  importances: readonly PixelImportance[],
  shape: ImageShape,
): Picture {
  const named = new Map(importances.map((one) => [one.column, one]));
  const names = pixelNames(shape);
  const { width, height, channels } = shape;
  const grey = { width, height, channels: 1 } as const;
  const pictures = (["impurity", "permutation"] as const).flatMap((kind) => {
    const values = names.map((name) => named.get(name)?.[kind] ?? 0);
    const largest = values.reduce((most, value) => Math.max(most, value), 0);
    const row = values.map((value) => (largest > 0 ? value / largest : 0));
    const whole = refurl(cpu, row, shape);
    if (channels === 1) return [whole];
    const alone = [0, 1, 2].map((c) => row.filter((_, j) => j % channels === c));
    const sum = alone[0].map((_, at) => alone[0][at] + alone[1][at] + alone[2][at]);
    const most = Math.max(...sum);
    const shown = [...alone, sum.map((value) => (most > 0 ? value / most : 0))];
    return [whole, ...shown.map((values) => refurl(cpu, values, grey))];
  });
  const zoom = Math.max(1, Math.round(SIZE / Math.max(width, height)));
  return contactSheet([pictures], { columns: channels === 1 ? 1 : 5, zoom, gap: 8 });
}
