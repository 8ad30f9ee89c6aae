/**
 * Images: read into tables, and back out of rows. Needs neither Node nor a DOM beyond the browser's image decoder, which
 * workers have too; `makeit-ai/node` reads folders and decodes with sharp.
 */
export {
  type ImageShape,
  imageFromRow,
  imageShape,
  type Picture,
  type PixelScale,
  type PixelShape,
  pixelNames,
  refurl,
  type UnfurlOptions,
  unfurl,
} from "../image.ts";
export type { Decoder } from "./decode.ts";
export type { NamedFile } from "./files.ts";
export type { ImageHeader } from "./header.ts";
export { importanceSheet, type PixelImportance } from "./heatmap.ts";
export { encodePng, pngAddress, pngBytes } from "./png.ts";
export { CLASS_COLUMN, type ImageOptions, type ImageSource, parseSize, readImages } from "./read.ts";
export { contactSheet, type SheetOptions } from "./sheet.ts";
