/** Labelled images as a table: a row an image, a column a pixel and channel, and the class. */
import { Cpu } from "../engine/module.ts";
import { inputError, MakeitError } from "../errors.ts";
import { pixelNames, type UnfurlOptions, unfurl } from "../image.ts";
import { readTable } from "../table/read.ts";
import { type Column, cellText, type ImageShape, isMissing, type Table } from "../table/table.ts";
import { type Decoder, decodeInBrowser } from "./decode.ts";
import { type FileTree, isLitter, type NamedFile, treeOf } from "./files.ts";
import { readHeader } from "./header.ts";
import { isIdx, readCifar, readIdx } from "./idx.ts";
import { readNpz } from "./npz.ts";
import type { ImageItem, ImageSet } from "./set.ts";

/** The column of an image table that holds the classes. */
export const CLASS_COLUMN = "class";

/**
 * Where images come from: files with their paths (a chosen or dropped folder: `File`s know their paths, or give names
 * such as `cats/1.png`), or a single file: IDX with its labels, CIFAR-10, .npz, or a CSV of paths and labels with the
 * images it lists.
 */
export type ImageSource = Iterable<File | NamedFile> | ArrayLike<File | NamedFile> | File | NamedFile;

export interface ImageOptions extends Pick<UnfurlOptions, "background"> {
  /** What stands for the images in messages and reports. */
  name?: string;
  /** What every image is resized to: `"16x16"`, as width × height, is the default. */
  size?: string | { width: number; height: number };
  /** `rgb`, `grey`, or as the source has them (`auto`, the default): files of images are RGB. */
  channels?: "auto" | "rgb" | "grey";
  /** Leave out files that cannot be read, and say which, instead of stopping at the first. */
  skipBad?: boolean;
  /** Larger images are refused before they are decoded. */
  maxPixels?: number;
  /** Decodes PNG, JPEG and WebP files; the browser's own when left out. */
  decode?: Decoder;
  /** Called after each image. */
  onImage?: (done: number, count: number) => void;
}

const SIZE = { width: 16, height: 16 };
const MAX_PIXELS = 50_000_000;
/** A side beyond this does not fit the engine's sums. */
const LONGEST_SIDE = 16384;
/** Numbers of a table, 8 bytes each. */
const MOST_NUMBERS = 2 ** 28;
/** Digits that are kept of a value in [0, 1]: a byte has less than three. */
const DECIMALS = 4;
/** Skipped files that are named in a warning. */
const NAMED = 20;

/**
 * Reads labelled images into a table for `fit`: columns `r_y_x`, `g_y_x`, `b_y_x` with values from 0 to 1 (`l_y_x` where
 * grey), and `class`. Images of files are put in the order of their paths.
 * @throws MakeitError (input) that names the file, for whatever is not as it should be.
 */
export async function readImages(source: ImageSource, options: ImageOptions = {}): Promise<Table> {
  const one = source instanceof Blob || "data" in source;
  const files = one ? [source as File | NamedFile] : Array.from(source as Iterable<File | NamedFile>);
  const name = options.name ?? (files.length === 1 ? files[0].name : "images");
  return readImageTree(treeOf(files, name), options);
}

/** As `readImages`, of files that are asked for by path. */
export async function readImageTree(tree: FileTree, options: ImageOptions = {}): Promise<Table> {
  const { width, height } = parseSize(options.size ?? SIZE);
  const set = await openSet(tree, options);
  const { channels = "auto" } = options;
  if (channels !== "auto" && channels !== "rgb" && channels !== "grey") {
    throw inputError(`Option channels is ${JSON.stringify(channels)}, expected auto, rgb or grey.`);
  }
  const grey = channels === "grey" || (channels === "auto" && set.grey);
  const shape: ImageShape = { width, height, channels: grey ? 1 : 3 };
  checkRoom(tree.name, set.count, shape);
  const { rows, labels, skipped } = await unfurlAll(set, shape, options);
  if (rows.length === 0)
    throw inputError(`${tree.name}: none of ${set.count} images can be read.`, skipped[0]);
  const { skipBad, background, maxPixels } = options;
  return {
    name: tree.name,
    rows: rows.length,
    columns: [...pixelColumns(rows, shape), classColumn(labels)],
    image: shape,
    reading: {
      ...(skipBad && { skipBad }),
      ...(background && { background: `${background}` }),
      ...(maxPixels && { maxPixels: `${maxPixels}` }),
    },
    warnings: [...set.warnings, ...tellSkipped(skipped, set.count)],
  };
}

/** `"16x16"` as width and height. @throws MakeitError (input) for anything else */
export function parseSize(size: string | { width: number; height: number }): {
  width: number;
  height: number;
} {
  const [, w, h] = typeof size === "string" ? (/^(\d+)\s*[x×]\s*(\d+)$/i.exec(size.trim()) ?? []) : [];
  const { width, height } = typeof size === "string" ? { width: Number(w), height: Number(h) } : size;
  const fits = (side: number) => Number.isInteger(side) && side >= 1 && side <= 256;
  if (fits(width) && fits(height)) return { width, height };
  const shown = typeof size === "string" ? size : JSON.stringify(size);
  throw inputError(
    `The size of images is ${shown}, expected width x height such as 16x16, from 1x1 to 256x256.`,
    "Small sizes learn faster: 16x16 is 768 columns in colour.",
  );
}

function checkRoom(name: string, count: number, { width, height, channels }: ImageShape): void {
  const numbers = count * width * height * channels;
  if (numbers <= MOST_NUMBERS) return;
  throw inputError(
    `${name}: ${count} images of ${width} × ${height} × ${channels} are ${numbers} numbers; up to ${MOST_NUMBERS} are read.`,
    "Take a smaller size, one channel (grey), or fewer images.",
  );
}

async function unfurlAll(set: ImageSet, shape: ImageShape, options: ImageOptions) {
  const { background, skipBad = false, onImage } = options;
  const cpu = await Cpu.openExtra();
  const rows: Float32Array[] = [];
  const labels: string[] = [];
  const skipped: string[] = [];
  let done = 0;
  for (const item of set.items) {
    try {
      rows.push(unfurl(cpu, await item.picture(), shape, { background }));
      labels.push(item.label);
    } catch (error) {
      if (!skipBad || !(error instanceof MakeitError) || error.code !== "input") throw error;
      skipped.push(error.message);
    }
    onImage?.(++done, set.count);
  }
  return { rows, labels, skipped };
}

function tellSkipped(skipped: readonly string[], count: number): string[] {
  if (skipped.length === 0) return [];
  const rest = skipped.length > NAMED ? ` … and ${skipped.length - NAMED} more.` : "";
  const named = skipped.slice(0, NAMED).join(" ");
  return [`${skipped.length} of ${count} images were left out: ${named}${rest}`];
}

/** A column a pixel and channel. */
function pixelColumns(rows: readonly Float32Array[], shape: ImageShape): Column[] {
  const unit = 10 ** DECIMALS;
  return pixelNames(shape).map((name, j) => {
    const values = Float64Array.from(rows, (row) => Math.round(row[j] * unit) / unit);
    const varies = values.some((value) => value !== values[0]);
    return {
      name,
      role: varies ? "numeric" : "constant",
      values,
      format: { decimals: DECIMALS },
      missing: 0,
    };
  });
}

function classColumn(labels: readonly string[]): Column {
  const categories = [...new Set(labels)].sort();
  const index = new Map(categories.map((label, i) => [label, i]));
  const codes = Int32Array.from(labels, (label) => index.get(label)!);
  return { name: CLASS_COLUMN, role: "categorical", codes, categories, format: {}, missing: 0 };
}

/** Which kind of source it is: the file that was asked for, or what the files look like. */
async function openSet(tree: FileTree, options: ImageOptions): Promise<ImageSet> {
  const paths = (tree.main === undefined ? tree.paths : [tree.main]).filter((path) => !isLitter(path)).sort();
  if (paths.length === 0) throw inputError(`${tree.name} holds no files.`, "Give a folder of images.");
  const images = paths.filter(isImage);
  const depth = classDepth(images);
  if (depth !== undefined)
    return classFolders(tree, { images, others: paths.length - images.length, depth }, options);
  const csv = only(paths, /\.[ct]sv$/i);
  if (csv !== undefined) return listedImages(tree, csv, options);
  if (images.length > 0) throw noClasses(tree.name, images);
  const npz = only(paths, /\.npz$/i);
  if (npz !== undefined) return readNpz(await tree.read(npz), npz);
  const batches = paths.filter((path) => /\.bin$/i.test(path));
  return batches.length > 0 ? openCifar(tree, batches) : openIdx(tree, paths);
}

const isImage = (path: string) => /\.(?:png|jpe?g|webp|gif|bmp|tiff?|avif|heic|svg)$/i.test(path);

function only(paths: readonly string[], pattern: RegExp): string | undefined {
  const found = paths.filter((path) => pattern.test(path));
  return found.length === 1 ? found[0] : undefined;
}

const foldersOf = (path: string) => path.split("/").slice(0, -1);

/** How many folders all images have in common, where the next one down parts them all into classes. */
function classDepth(images: readonly string[]): number | undefined {
  const folders = images.map(foldersOf);
  let depth = 0;
  while (
    folders.length > 0 &&
    folders.every((parts) => parts.length > depth && parts[depth] === folders[0][depth])
  ) {
    depth++;
  }
  return folders.length > 0 && folders.every((parts) => parts.length > depth) ? depth : undefined;
}

function noClasses(name: string, images: readonly string[]): Error {
  const hint = "Put every image into a folder that is named after its class, or give a CSV of path,label.";
  const folders = new Set(images.map((path) => foldersOf(path).join("/")));
  if (folders.size > 1) {
    const shallow = images.reduce((a, b) => (foldersOf(b).length < foldersOf(a).length ? b : a));
    return inputError(`${name}: ${shallow} lies beside the class folders, not in one.`, hint);
  }
  return inputError(
    `${name}: all ${images.length} images lie in one folder; at least two classes are needed.`,
    hint,
  );
}

/** Images in folders that are named after their class. */
function classFolders(
  tree: FileTree,
  { images, others, depth }: { images: readonly string[]; others: number; depth: number },
  options: ImageOptions,
): ImageSet {
  const left = others === 1 ? "1 file that is no image was" : `${others} files that are no images were`;
  return {
    count: images.length,
    grey: false,
    warnings: others > 0 ? [`${tree.name}: ${left} left out.`] : [],
    items: images.map((path) => fileItem(tree, path, foldersOf(path)[depth], options)),
  };
}

function fileItem(tree: FileTree, path: string, label: string, options: ImageOptions): ImageItem {
  const { maxPixels = MAX_PIXELS, decode = decodeInBrowser } = options;
  return {
    name: path,
    label,
    async picture() {
      const bytes = await tree.read(path);
      const header = readHeader(bytes, path);
      const { width, height } = header;
      if (width * height > maxPixels || Math.max(width, height) > LONGEST_SIDE) {
        throw inputError(
          `${path} has ${width} × ${height} pixels; up to ${maxPixels}, and ${LONGEST_SIDE} a side, are decoded.`,
          "Make it smaller, or raise maxPixels (--max-pixels).",
        );
      }
      return decode(bytes, header, path);
    },
  };
}

const PATHS = /^(?:path|file|file_?name|image|image_?path|img)$/i;
const LABELS = /^(?:label|class|target|category|y)$/i;

/** A CSV with a column of paths, which count from its folder, and one of labels. */
async function listedImages(tree: FileTree, csv: string, options: ImageOptions): Promise<ImageSet> {
  const list = await readTable(await tree.read(csv), { name: csv });
  const named = (pattern: RegExp) => list.columns.find(({ name }) => pattern.test(name));
  const paths = named(PATHS);
  const labels = named(LABELS);
  if (!paths || !labels) {
    throw inputError(
      `${csv} has the columns ${list.columns.map(({ name }) => name).join(", ")}; a column of paths and one of labels were expected.`,
      "Name them path and label.",
    );
  }
  const items = Array.from({ length: list.rows }, (_, row) => {
    for (const column of [paths, labels]) {
      if (!isMissing(column, row)) continue;
      throw inputError(`${csv}, row ${row + 1} has no ${column.name}.`, "Fill it in, or remove the row.");
    }
    const path = cellText(paths, row);
    return fileItem(tree, tree.beside(csv, path), cellText(labels, row), options);
  });
  return { count: items.length, grey: false, warnings: [], items };
}

/** CIFAR-10: the training batches where there are some, else what there is; class names from the file beside them. */
async function openCifar(tree: FileTree, batches: readonly string[]): Promise<ImageSet> {
  const training = batches.filter((path) => /data_batch/.test(path));
  const taken = training.length > 0 ? training : batches;
  const read = await Promise.all(taken.map(async (name) => ({ name, bytes: await tree.read(name) })));
  const names = tree.beside(taken[0], "batches.meta.txt");
  const classes = tree.paths.includes(names)
    ? new TextDecoder()
        .decode(await tree.read(names))
        .split(/\r?\n/)
        .filter((line) => line !== "")
    : [];
  const set = readCifar(read, classes);
  const left = batches.length - taken.length;
  return left > 0
    ? { ...set, warnings: [`The test batch is left out: ${taken.length} training batches are read.`] }
    : set;
}

/** IDX: the file of images, and that of labels beside it (`idx3` → `idx1`, `images` → `labels`). */
async function openIdx(tree: FileTree, paths: readonly string[]): Promise<ImageSet> {
  const images = paths.filter((path) => /images/i.test(path) || /idx[34]/i.test(path));
  if (images.length !== 1) {
    throw inputError(
      images.length === 0
        ? `${tree.name} holds no images.`
        : `${tree.name} holds ${images.length} files of images: ${images.join(", ")}.`,
      images.length === 0
        ? "Give a folder of class folders, a CSV of path,label, IDX (MNIST), CIFAR-10 or .npz."
        : "Name one of them; its labels are found beside it.",
    );
  }
  const file = images[0].slice(images[0].lastIndexOf("/") + 1);
  const labels = tree.beside(images[0], file.replace(/idx[34]/i, "idx1").replace(/images/gi, "labels"));
  const labelled = [labels, `${labels}.gz`, labels.replace(/\.gz$/i, "")].find(
    (path) => path !== images[0] && tree.paths.includes(path),
  );
  const bytes = await tree.read(images[0]);
  if (labelled === undefined) {
    if (!isIdx(bytes) && bytes[0] !== 0x1f)
      throw inputError(`${images[0]} is no set of images that can be read.`);
    throw inputError(
      `There is no file ${labels} with the labels of ${images[0]}.`,
      "Put it beside the images.",
    );
  }
  return readIdx({ name: images[0], bytes }, { name: labelled, bytes: await tree.read(labelled) });
}
