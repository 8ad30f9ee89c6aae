/** bench/RESULTS.md: one section a benchmark, each written anew by its own. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = "bench/results";
const FILE = "bench/RESULTS.md";

/** The path of a result, without its ending: bench/results/DATE-NAME-DEVICE. */
export function resultPath({ date, device }: { date: string; device: string }, name: string): string {
  mkdirSync(FOLDER, { recursive: true });
  return `${FOLDER}/${[date, name, device]
    .join("-")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")}`;
}

/** Puts the section, which begins with its heading, in the place of the one with the same heading. */
export function writeSection(section: string): void {
  const heading = section.slice(0, section.indexOf("\n"));
  const before = existsSync(FILE) ? readFileSync(FILE, "utf8") : "";
  const others = before
    .split(/^(?=# )/m)
    .filter((part) => part.startsWith("# ") && !part.startsWith(`${heading}\n`));
  writeFileSync(
    FILE,
    [...others.map((part) => `${part.trim()}\n`), `${section.trim()}\n`].sort().reverse().join("\n"),
  );
}
