/** A ZIP archive of files stored as they are (text compresses well, but the platform's deflate is not synchronous). */
import { crc32 } from "../../sdk/checksum.ts";

export interface Entry {
  path: string;
  content: string | Uint8Array;
}

/** 1980-01-01: the same files make the same archive. */
const DATE = 0x21;
const UTF8 = 0x800;

export function zip(entries: readonly Entry[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  for (const { path, content } of entries) {
    const name = new TextEncoder().encode(path);
    const bytes = new Uint8Array(typeof content === "string" ? new TextEncoder().encode(content) : content);
    const sizes = [crc32(bytes), bytes.length, bytes.length] as const;
    // local header: version 2.0, flags, stored, time, date, checksum, sizes, name
    const common = [
      [20, 2],
      [UTF8, 2],
      [0, 2],
      [0, 2],
      [DATE, 2],
      ...sizes.map((n) => [n, 4]),
      [name.length, 2],
    ];
    const local = [fields([[0x04034b50, 4], ...common, [0, 2]]), name, bytes];
    // the directory repeats it, with attributes and the place of the local header
    directory.push(fields([[0x02014b50, 4], [20, 2], ...common, [0, 12], [at, 4]]), name);
    parts.push(...local);
    at += length(local);
  }
  const count = entries.length;
  const end = fields([
    [0x06054b50, 4],
    [0, 4],
    [count, 2],
    [count, 2],
    [length(directory), 4],
    [at, 4],
    [0, 2],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

const length = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);

/** Numbers, little-endian, each in so many bytes. */
function fields(list: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const [value, size] of list) {
    for (let i = 0; i < size; i++) bytes.push(i < 4 ? (value >>> (8 * i)) & 255 : 0);
  }
  return Uint8Array.from(bytes);
}
