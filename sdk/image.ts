/** Images as rows of a table: unfurled into numbers, refurled into pixels. */
import type { Cpu, ExtraExports } from "./engine/module.ts";
import { inputError } from "./errors.ts";

/** Rows of pixels from the top, red, green, blue (and alpha, not premultiplied), a byte each. An `ImageData` is one. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** How an image lies in a row: its size, and pixel by pixel (`interleaved`) or channel by channel (`planar`). */
export interface PixelShape {
  width: number;
  height: number;
  layout?: "interleaved" | "planar";
}

const LARGEST = 16384;

/**
 * One row of 3 · width · height numbers in [0, 1]: the picture resized to `shape` by the mean of the area each pixel
 * covers (of the bytes as they are, gamma included), with alpha composited on `background` first.
 * @param options.background red, green, blue from 0 to 255; white when left out.
 * @throws MakeitError (input) when the sizes do not fit the data.
 */
export function unfurl(
  cpu: Cpu<ExtraExports>,
  picture: Picture,
  shape: PixelShape,
  options: { background?: [number, number, number] } = {},
): Float32Array {
  const channels = channelsOf(picture);
  const { step, plane, length } = strides(shape);
  const [red, green, blue] = options.background ?? [255, 255, 255];
  const mark = cpu.mark();
  try {
    // One byte more: the engine loads pixels of three bytes four at a time.
    const bytes = cpu.alloc(picture.data.length + 1);
    const row = cpu.alloc(4 * length);
    cpu.u8(bytes, picture.data.length).set(picture.data);
    const { width, height } = picture;
    const to = [row, shape.width, shape.height, step, plane] as const;
    cpu.exports.image_unfurl(bytes, width, height, channels, ...to, red, green, blue);
    return cpu.f32(row, length).slice();
  } finally {
    cpu.reset(mark);
  }
}

/** The picture (red, green, blue) of a row: the inverse of {@link unfurl} at the row's own size, byte for byte. */
export function refurl(cpu: Cpu<ExtraExports>, row: ArrayLike<number>, shape: PixelShape): Picture {
  const { width, height } = shape;
  const { step, plane, length } = strides(shape);
  if (row.length !== length) {
    throw inputError(
      `A row of ${row.length} numbers came for an image of ${width} × ${height}, expected ${length} (3 a pixel).`,
      "Give the width and height the rows were unfurled to.",
    );
  }
  const mark = cpu.mark();
  try {
    const from = cpu.alloc(4 * length);
    const bytes = cpu.alloc(length);
    cpu.f32(from, length).set(row);
    cpu.exports.image_refurl(from, bytes, width * height, step, plane);
    return { width, height, data: cpu.u8(bytes, length).slice() };
  } finally {
    cpu.reset(mark);
  }
}

/** A column name for each number of a row: `r_0_0`, `g_0_0`, … as channel, y, x. */
export function pixelNames(shape: PixelShape): string[] {
  const { step, plane, length } = strides(shape);
  const names: string[] = Array(length);
  for (let y = 0; y < shape.height; y++) {
    for (let x = 0; x < shape.width; x++) {
      for (const [c, channel] of ["r", "g", "b"].entries()) {
        names[(y * shape.width + x) * step + c * plane] = `${channel}_${y}_${x}`;
      }
    }
  }
  return names;
}

/** The distances of neighbouring pixels and of a pixel's channels in a row, and the row's length. */
function strides({ width, height, layout = "interleaved" }: PixelShape) {
  checkSize(width, height);
  const pixels = width * height;
  if (layout === "planar") return { step: 1, plane: pixels, length: 3 * pixels };
  if (layout === "interleaved") return { step: 3, plane: 1, length: 3 * pixels };
  throw inputError(`Layout is ${JSON.stringify(layout)}, expected "interleaved" or "planar".`);
}

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
  if (channels === 3 || channels === 4) return channels;
  throw inputError(
    `${data.length} bytes came for an image of ${width} × ${height}, expected ${3 * width * height} (RGB) or ${4 * width * height} (RGBA).`,
    "Decode the file to RGB or RGBA bytes; convert grey and CMYK first.",
  );
}
