/** What a split's images look like: contact sheets, mean images, and what a whole image says in a few numbers. */
import { Cpu, type ExtraExports } from "./engine/module.ts";
import { histogram } from "./explain.ts";
import { imageFromRow, imageShape, type Picture, pixelsOfRow, refurl } from "./image.ts";
import { encodePng, pngAddress } from "./images/png.ts";
import { contactSheet, type SheetOptions } from "./images/sheet.ts";
import type { DistributionPlot } from "./plots/distribution.ts";
import type { ImagesPlot, Sheet } from "./plots/images.ts";
import { rowsByClass } from "./resampling.ts";
import type { Encoder } from "./table/encoder.ts";
import type { Column, ImageShape, Table } from "./table/table.ts";

/** Images in a block of a sheet, and how many stand beside each other. */
const SHOWN = 24;
const COLUMNS = 8;
/** Pixels of a sheet that an image's longer side takes, about. */
const TILE = 48;
const MEAN_TILE = 96;
/** Classes that get a sheet. */
const MOST_CLASSES = 20;

/** Some rows of an image table. */
interface Rows {
  table: Table;
  rows: readonly number[];
}

/**
 * Real images of the given rows beside generated ones, and the distributions of what can be said of a whole image: its
 * mean in each channel, and its contrast. Those of single pixels would say nothing.
 */
export async function pictures(
  encoder: Encoder,
  real: Table,
  realRows: ArrayLike<number>,
  made: Table,
): Promise<{ images: ImagesPlot; distributions: DistributionPlot }> {
  const cpu = await Cpu.openExtra();
  const sides: Rows[] = [
    { table: real, rows: Array.from(realRows) },
    { table: made, rows: Array.from({ length: made.rows }, (_, i) => i) },
  ];
  const byClass = sides.map(({ table, rows }) => {
    const y = encoder.labels(table, rows);
    return rowsByClass(y, encoder.classes.length).map((members) => members.map((i) => rows[i]));
  });
  const shape = imageShape(real);
  const classes: ImagesPlot["classes"] = [];
  for (const [c, name] of encoder.classes.slice(0, MOST_CLASSES).entries()) {
    const own = sides.map(({ table }, side): Rows => ({ table, rows: byClass[side][c] }));
    const shown = own.map(({ table, rows }) =>
      evenly(rows, SHOWN).map((row) => imageFromRow(cpu, table, row)),
    );
    const means = own.map((side) => meanImage(cpu, side, shape));
    classes.push({
      name,
      real: own[0].rows.length,
      generated: own[1].rows.length,
      sheet: await sheetOf(shown, { columns: COLUMNS, zoom: zoomTo(TILE, shape) }),
      mean: await sheetOf(means, { columns: 1, zoom: zoomTo(MEAN_TILE, shape), blockGap: 8 }),
    });
  }
  const [a, b] = sides.map((side) => summaries(side, shape));
  const columns = a.map((column, i) =>
    histogram(column, [...column.values!.keys()], b[i], [...b[i].values!.keys()]),
  );
  return { images: { width: shape.width, height: shape.height, classes }, distributions: { columns } };
}

/** At most `count` of the items, from all over. */
function evenly<T>(items: readonly T[], count: number): T[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, i) => items[Math.floor((i * items.length) / taken)]);
}

function zoomTo(size: number, { width, height }: ImageShape): number {
  return Math.max(1, Math.round(size / Math.max(width, height)));
}

async function sheetOf(blocks: Picture[][], options: SheetOptions): Promise<Sheet> {
  const sheet = contactSheet(blocks, options);
  const png = pngAddress(await encodePng(sheet));
  return { png, width: sheet.width, height: sheet.height, right: sheet.blocks[1] };
}

/** The mean of the rows' pixels, as the only image of a block; none where there is no row. */
function meanImage(cpu: Cpu<ExtraExports>, { table, rows }: Rows, shape: ImageShape): Picture[] {
  if (rows.length === 0) return [];
  const mean = new Float64Array(shape.width * shape.height * shape.channels);
  for (const row of rows)
    pixelsOfRow(table, row).forEach((value, j) => {
      mean[j] += value / rows.length;
    });
  return [refurl(cpu, mean, shape)];
}

/** Columns that say of each image how light it is, channel by channel, and how much its pixels differ. */
function summaries({ table, rows }: Rows, { channels }: ImageShape): Column[] {
  const names = channels === 1 ? ["mean brightness"] : ["mean red", "mean green", "mean blue"];
  const column = (name: string): Column & { values: Float64Array } => ({
    name,
    role: "numeric",
    values: new Float64Array(rows.length),
    format: {},
    missing: 0,
  });
  const means = names.map(column);
  const contrast = column("contrast (sd of the pixels)");
  rows.forEach((row, i) => {
    const pixels = pixelsOfRow(table, row);
    let [sum, squares] = [0, 0];
    pixels.forEach((value, j) => {
      means[j % channels].values[i] += (value * channels) / pixels.length;
      sum += value;
      squares += value * value;
    });
    const mean = sum / pixels.length;
    contrast.values[i] = Math.sqrt(Math.max(0, squares / pixels.length - mean * mean));
  });
  return [...means, contrast];
}
