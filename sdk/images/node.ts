/** Images in Node: folders and files by path, and sharp to decode them. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { inputError } from "../errors.ts";
import type { Picture } from "../image.ts";
import type { Table } from "../table/table.ts";
import type { Decoder } from "./decode.ts";
import { type FileTree, MOST_BYTES, missing, tooLarge } from "./files.ts";
import { broken } from "./header.ts";
import { type ImageOptions, type ImageSource, readImages as readFiles, readImageTree } from "./read.ts";

/**
 * Reads labelled images into a table: from a folder of class folders, a file (CSV of path,label, IDX, CIFAR-10, .npz), or
 * what the core's `readImages` takes. PNG, JPEG and WebP are decoded by the package sharp, to be installed beside.
 * @param source a path, or files in memory.
 */
export async function readImages(source: string | ImageSource, options: ImageOptions = {}): Promise<Table> {
  const given = { decode: decodeWithSharp, ...options };
  return typeof source === "string"
    ? readImageTree(await openTree(source, options.name), given)
    : readFiles(source, given);
}

/** A folder with all below it, or a file among its neighbours. */
async function openTree(path: string, name = path): Promise<FileTree> {
  const folder = (await found(path)).isDirectory();
  const root = folder ? path : dirname(path);
  const entries = await readdir(root, { recursive: folder, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => slashes(relative(root, join(entry.parentPath, entry.name))));
  return {
    name,
    ...(folder ? {} : { main: basename(path) }),
    paths,
    beside(file, other) {
      const path = relative(root, resolve(root, dirname(file), other));
      if (path.split(sep)[0] !== ".." && !isAbsolute(path)) return slashes(path);
      throw inputError(
        `${file} names ${other}, which lies outside of its folder.`,
        "Put the list into a folder above all that it names.",
      );
    },
    async read(file) {
      const full = resolve(root, file);
      const status = await found(full);
      if (!status.isFile()) throw inputError(`${full} is no file.`, "Leave it out.");
      const { size } = status;
      if (size > MOST_BYTES) throw tooLarge(full, size);
      return readFile(full);
    },
  };
}

const slashes = (path: string) => path.replaceAll("\\", "/");

async function found(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT"
      ? missing(path)
      : inputError(`${path} cannot be read (${code}).`, "Check its permissions.");
  }
}

const decodeWithSharp: Decoder = async (bytes, { width, height }, file): Promise<Picture> => {
  const sharp = await loadSharp();
  const options = { ignoreIcc: true, failOn: "error", limitInputPixels: width * height } as const;
  try {
    const image = sharp(bytes, options).autoOrient().toColourspace("srgb").ensureAlpha();
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch {
    throw broken(file);
  }
};

async function loadSharp(): Promise<typeof import("sharp").default> {
  try {
    return (await import("sharp")).default;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    throw inputError(
      `PNG, JPEG and WebP files are decoded by the package sharp, which ${absent ? "is not installed" : "cannot be loaded"}.`,
      "Run npm install sharp; IDX, CIFAR-10 and .npz need nothing.",
    );
  }
}
