import type { Picture } from "../image.ts";

export interface SheetOptions {
  /** Images beside each other in a block. */
  columns: number;
  /** Sheet pixels a pixel of an image takes. */
  zoom: number;
  /** White between two images, and between two blocks. */
  gap?: number;
  blockGap?: number;
}

/** Blocks of equally large images beside each other, white in between: red, green and blue. */
export function contactSheet(
  blocks: readonly (readonly Picture[])[],
  { columns, zoom, gap = 4, blockGap = 32 }: SheetOptions,
): Picture & { blocks: number[] } {
  const { width: w, height: h } = blocks.flat()[0] ?? { width: 1, height: 1 };
  const rows = Math.max(1, ...blocks.map((block) => Math.ceil(block.length / columns)));
  const [cellWidth, cellHeight] = [w * zoom + gap, h * zoom + gap];
  const starts = blocks.map((_, b) => b * (columns * cellWidth - gap + blockGap));
  const width = starts[starts.length - 1] + columns * cellWidth - gap;
  const height = rows * cellHeight - gap;
  const data = new Uint8Array(3 * width * height).fill(255);
  blocks.forEach((block, b) => {
    block.forEach((picture, i) => {
      const left = starts[b] + (i % columns) * cellWidth;
      paint(data, width, picture, { left, top: Math.floor(i / columns) * cellHeight, zoom });
    });
  });
  return { width, height, data, blocks: starts };
}

function paint(
  to: Uint8Array,
  toWidth: number,
  { width, height, data }: Picture,
  { left, top, zoom }: { left: number; top: number; zoom: number },
): void {
  const channels = data.length / (width * height);
  for (let y = 0; y < height * zoom; y++) {
    for (let x = 0; x < width * zoom; x++) {
      const from = (Math.floor(y / zoom) * width + Math.floor(x / zoom)) * channels;
      const at = ((top + y) * toWidth + left + x) * 3;
      for (let c = 0; c < 3; c++) to[at + c] = data[from + (channels < 3 ? 0 : c)];
    }
  }
}
