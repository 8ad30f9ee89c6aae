/** Images as rows of a table: unfurled into numbers, refurled into pixels. */
import type { Cpu, ExtraExports } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import type { ImageShape, Table } from "./table/table.ts";

export type { ImageShape };

/**
 * Rows of pixels from the top, a byte a channel: grey, or red, green and blue, or these and alpha (not premultiplied).
 * An `ImageData` is one.
 */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** How an image lies in a row: pixel by pixel (`interleaved`) or channel by channel (`planar`). */
export interface PixelShape extends Partial<ImageShape> {
  width: number;
  height: number;
  layout?: "interleaved" | "planar";
}

/** What a number of a row says: (v − mean) / sd of a channel's v in [0, 1]. */
export interface PixelScale {
  /** One a channel, or one for all; 0 when left out. */
  mean?: number | readonly number[];
  /** One a channel, or one for all; 1 when left out. */
  sd?: number | readonly number[];
}

export interface UnfurlOptions extends PixelScale {
  /** What shows through where alpha is below 255: red, green, blue from 0 to 255; white when left out. */
  background?: readonly [number, number, number];
}

/** A side of the largest picture: sums over a row of it fit into 32 bits. */
const LARGEST = 16384;
/** The engine takes bytes, and numbers, four at a time. */
const SPARE = 3;

/**
 * One row of numbers in [0, 1] (or standardised: see {@link PixelScale}), a number a pixel and channel of `shape`: the
 * picture resized by the mean of the area each pixel covers (of the bytes as they are, gamma included), with alpha
 * composited on `background` first. A shape of one channel takes the luma (BT.601).
 * @throws MakeitError (input) when the sizes do not fit the data.
 */
export function unfurl(
  cpu: Cpu<ExtraExports>,
  picture: Picture,
  shape: PixelShape,
  options: UnfurlOptions = {},
): Float32Array {
  const channels = channelsOf(picture);
  const { planes, step, plane, length } = strides(shape);
  const look = lookOf(options, planes);
  const mark = cpu.mark();
  try {
    const bytes = cpu.alloc(picture.data.length + SPARE);
    const row = cpu.alloc(4 * (length + SPARE));
    const at = cpu.alloc(8 * look.length);
    cpu.u8(bytes, picture.data.length).set(picture.data);
    cpu.f64(at, look.length).set(look);
    const { width, height } = picture;
    const from = [bytes, width, height, channels] as const;
    cpu.exports.image_unfurl(...from, row, shape.width, shape.height, planes, step, plane, at);
    return cpu.f32(row, length).slice();
  } finally {
    cpu.reset(mark);
  }
}

/**
 * The picture of a row, without alpha: the inverse of {@link unfurl} at the row's own size, byte for byte. Values beyond
 * what a byte can say are held within it.
 * @throws MakeitError (input) when the row's length does not fit the shape.
 */
export function refurl(
  cpu: Cpu<ExtraExports>,
  row: ArrayLike<number>,
  shape: PixelShape,
  scale: PixelScale = {},
): Picture {
  const { width, height } = shape;
  const { planes, step, plane, length } = strides(shape);
  if (row.length !== length) {
    throw inputError(
      `A row of ${row.length} numbers came for an image of ${width} × ${height}, expected ${length} (${planes} a pixel).`,
      "Give the width, height and channels the rows were unfurled to.",
    );
  }
  const look = lookOf(scale, planes);
  const mark = cpu.mark();
  try {
    const from = cpu.alloc(4 * (length + SPARE));
    const bytes = cpu.alloc(length + SPARE);
    const at = cpu.alloc(8 * look.length);
    cpu.f32(from, length).set(row);
    cpu.f64(at, look.length).set(look);
    cpu.exports.image_refurl(from, bytes, width * height, planes, step, plane, at);
    return { width, height, data: cpu.u8(bytes, length).slice() };
  } finally {
    cpu.reset(mark);
  }
}

/** A column name for each number of a row: `r_0_0`, `g_0_0`, … as channel, y, x; `l_0_0`, … where there is one channel. */
export function pixelNames(shape: PixelShape): string[] {
  const { planes, step, plane, length } = strides(shape);
  const names: string[] = Array(length);
  for (let y = 0; y < shape.height; y++) {
    for (let x = 0; x < shape.width; x++) {
      for (const [c, channel] of channelNames(planes).entries()) {
        names[(y * shape.width + x) * step + c * plane] = `${channel}_${y}_${x}`;
      }
    }
  }
  return names;
}

/** Where the pixel of a column is: the inverse of {@link pixelNames}; nothing for other columns. */
export function pixelOf(name: string): { channel: string; y: number; x: number } | undefined {
  const match = /^([rgbl])_(\d+)_(\d+)$/.exec(name);
  return match ? { channel: match[1], y: Number(match[2]), x: Number(match[3]) } : undefined;
}

/** The letters of the channels in column names. */
export function channelNames(channels: number): readonly string[] {
  return channels === 1 ? ["l"] : ["r", "g", "b"];
}

/**
 * The picture in a row of an image table.
 * @throws MakeitError (input) when the table holds no images, or there is no such row.
 */
export function imageFromRow(cpu: Cpu<ExtraExports>, table: Table, row: number): Picture {
  return refurl(cpu, pixelsOfRow(table, row), imageShape(table));
}

/** The pixels of a row of an image table, interleaved, as they stand in its columns. */
export function pixelsOfRow(table: Table, row: number): Float32Array {
  const columns = pixelColumns(table);
  if (!(Number.isInteger(row) && row >= 0 && row < table.rows)) {
    throw inputError(`${table.name} has no row ${row}.`, `Its ${table.rows} rows are counted from 0.`);
  }
  return Float32Array.from(columns, (values) => values[row]);
}

/** @throws MakeitError (input) when the table holds no images. */
export function imageShape({ name, image }: Table): ImageShape {
  if (image) return image;
  throw inputError(`${name} holds no images.`, "Read images with readImages, or sample from an image model.");
}

const known = new WeakMap<Table, Float64Array[]>();

/** The values of the pixel columns, in the order of {@link pixelNames}, interleaved. */
function pixelColumns(table: Table): Float64Array[] {
  const found = known.get(table);
  if (found) return found;
  const named = new Map(table.columns.map((column) => [column.name, column.values]));
  const columns = pixelNames(imageShape(table)).map((name) => {
    const values = named.get(name);
    if (values) return values;
    throw inputError(`${table.name} has no column ${name} with numbers.`, "Keep all of an image's columns.");
  });
  known.set(table, columns);
  return columns;
}

/** The distances of neighbouring pixels and of a pixel's channels in a row, and the row's length. */
function strides({ width, height, channels = 3, layout = "interleaved" }: PixelShape) {
  checkSize(width, height);
  if (channels !== 1 && channels !== 3) {
    throw inputError(`A shape of ${channels} channels came, expected 1 (grey) or 3 (red, green, blue).`);
  }
  const pixels = width * height;
  const length = channels * pixels;
  if (layout === "planar") return { planes: channels, step: 1, plane: pixels, length };
  if (layout === "interleaved") return { planes: channels, step: channels, plane: 1, length };
  throw inputError(`Layout is ${JSON.stringify(layout)}, expected "interleaved" or "planar".`);
}

/** Background, mean and sd as the engine takes them: three of each. */
function lookOf({ background = [255, 255, 255], mean = 0, sd = 1 }: UnfurlOptions, planes: number): number[] {
  const three = (
    name: string,
    value: number | readonly number[],
    count: number,
    valid: (v: number) => boolean,
  ) => {
    const list = typeof value === "number" ? Array<number>(count).fill(value) : [...value];
    if (list.length !== count || !list.every(valid)) {
      throw inputError(`Option ${name} is ${JSON.stringify(value)}, expected ${EXPECTED[name]}.`);
    }
    return [...list, ...Array<number>(3 - count).fill(list[0])];
  };
  return [
    ...three("background", background, 3, (v) => v >= 0 && v <= 255),
    ...three("mean", mean, planes, Number.isFinite),
    ...three("sd", sd, planes, (v) => v > 0 && Number.isFinite(v)),
  ];
}

const EXPECTED: Record<string, string> = {
  background: "red, green and blue from 0 to 255",
  mean: "a number, or one a channel",
  sd: "a number above 0, or one a channel",
};

function checkSize(width: number, height: number): void {
  const fits = (size: number) => Number.isInteger(size) && size >= 1 && size <= LARGEST;
  if (fits(width) && fits(height)) return;
  throw inputError(
    `An image of ${width} × ${height} pixels came, expected whole sizes from 1 to ${LARGEST}.`,
  );
}

function channelsOf({ width, height, data }: Picture): number {
  checkSize(width, height);
  const channels = data.length / (width * height);
  if (channels === 1 || channels === 3 || channels === 4) return channels;
  throw inputError(
    `${data.length} bytes came for an image of ${width} × ${height}, expected ${width * height} (grey), ${3 * width * height} (RGB) or ${4 * width * height} (RGBA).`,
    "Decode the file to grey, RGB or RGBA bytes; convert CMYK first.",
  );
}
