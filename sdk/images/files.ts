/** Files by path, wherever they are: in a folder of Node, or dropped on a page. */
import { inputError } from "../errors.ts";

/** A file in memory under its path, such as `cats/1.png`. */
export interface NamedFile {
  /** With slashes; the folder right below the common one names the class. */
  readonly name: string;
  readonly data: Blob | Uint8Array | ArrayBuffer;
}

/** Files that can be asked for by path. */
export interface FileTree {
  /** What stands for all of them in messages. */
  readonly name: string;
  /** Relative, with slashes. */
  readonly paths: readonly string[];
  /** The one that was asked for, where it was a file and not a folder. */
  readonly main?: string;
  /** A path that is written in the file `file`, as one of the tree. @throws MakeitError (input) for one outside */
  beside(file: string, path: string): string;
  /** @throws MakeitError (input) when there is no such file, or it is larger than is read. */
  read(path: string): Promise<Uint8Array>;
}

/** Larger files are no images that anyone classifies, and no data sets that fit into memory. */
export const MOST_BYTES = 2 ** 31;

/** A tree of files in memory. A `File` of a dropped or chosen folder knows its path by itself. */
export function treeOf(files: Iterable<File | NamedFile>, name: string): FileTree {
  const byPath = new Map<string, NamedFile["data"]>();
  for (const file of files) {
    const path = "data" in file ? file.name : file.webkitRelativePath || file.name;
    byPath.set(path.replaceAll("\\", "/").replace(/^\.?\/+/, ""), "data" in file ? file.data : file);
  }
  return {
    name,
    paths: [...byPath.keys()],
    beside,
    async read(path) {
      const data = byPath.get(path);
      if (data === undefined) throw missing(path);
      const size = data instanceof Blob ? data.size : data.byteLength;
      if (size > MOST_BYTES) throw tooLarge(path, size);
      if (data instanceof Blob) return new Uint8Array(await data.arrayBuffer());
      return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    },
  };
}

export function missing(path: string): Error {
  return inputError(`There is no file ${path}.`, "Check the path; those of a list count from its folder.");
}

export function tooLarge(path: string, size: number): Error {
  return inputError(
    `${path} has ${(size / 2 ** 30).toFixed(1)} GiB; files up to ${MOST_BYTES / 2 ** 30} GiB are read.`,
    "Split it, or make it smaller.",
  );
}

/** Whether a path is one that nobody means: hidden files, and what systems leave behind. */
export function isLitter(path: string): boolean {
  return /(?:^|\/)(?:\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/.test(path);
}

/** `b/c.png` as seen from the file `a/list.csv`: `a/b/c.png`. */
function beside(file: string, path: string): string {
  const parts = path.startsWith("/") ? [] : file.split("/").slice(0, -1);
  for (const part of path.replaceAll("\\", "/").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
