import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** A public table of data/, unpacked; `data/README.md` says what it is. */
export function demoData(name: string): Buffer {
  return gunzipSync(readFileSync(`data/${name}.gz`));
}
