/** Files as a user hands them over: chosen, dropped, or whole folders of them. */
import type { NamedFile } from "../sdk/images/index.ts";

/** A file under its path in the folder that it was chosen or dropped with. */
export interface GivenFile extends NamedFile {
  readonly data: File;
}

export function chosen(files: Iterable<File>): GivenFile[] {
  return Array.from(files, (data) => ({ name: data.webkitRelativePath || data.name, data }));
}

/** What was dropped; a folder is everything below it. To be called while the event lasts. */
export async function dropped({ items, files }: DataTransfer): Promise<GivenFile[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null);
  if (!entries.some((entry) => entry.isDirectory)) return chosen(files);
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<GivenFile[]> {
  if (entry.isFile) {
    const data = await new Promise<File>((...answer) => (entry as FileSystemFileEntry).file(...answer));
    return [{ name: entry.fullPath.replace(/^\//, ""), data }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: GivenFile[] = [];
  // A reader gives some at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((...answer) => reader.readEntries(...answer));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesBelow))).flat());
  }
}

const PICTURE = /\.(?:png|jpe?g|webp|gif|bmp|tiff?|avif|heic|svg)$/i;
/** Images without a file each: `.npz`, CIFAR-10, IDX. */
const PACKED = /\.(?:npz|bin)$|idx\d-ubyte(?:\.gz)?$/i;

/** Whether the files are images rather than a table. */
export function areImages(files: readonly GivenFile[]): boolean {
  return files.some(({ name }) => PICTURE.test(name) || PACKED.test(name));
}

/** What stands for the files: the one folder or file that they are. */
export function nameOf(files: readonly GivenFile[]): string {
  const roots = new Set(files.map(({ name }) => name.split("/")[0]));
  return roots.size === 1 ? [...roots][0] : "images";
}
