/** Images of the page: read into tables, and back out of rows. Loaded when the first ones are given. */

import { Cpu } from "../../sdk/engine/module.ts";
import { CLASS_COLUMN, encodePng, imageFromRow, pngAddress, readImages } from "../../sdk/images/index.ts";
import { fileNames } from "../../sdk/names.ts";
import type { Table } from "../../sdk/table/table.ts";
import type { Entry } from "./zip.ts";

export { readImages };

/** Some images of a class, as addresses of PNG files. */
export interface Glance {
  name: string;
  count: number;
  pngs: string[];
}

/** Images of a class, and classes, that are shown at most. */
const SHOWN = 16;
const CLASSES = 12;

/** Rows by class, in the order of the classes. */
function rowsByClass(table: Table): { name: string; rows: number[] }[] {
  const { codes, categories } = table.columns.find(({ name }) => name === CLASS_COLUMN)!;
  const classes = categories!.map((name) => ({ name, rows: [] as number[] }));
  codes!.forEach((code, row) => {
    if (code >= 0) classes[code].rows.push(row);
  });
  return classes;
}

/** Images of each class at a glance, from all over. */
export async function glance(table: Table): Promise<Glance[]> {
  const cpu = await Cpu.openExtra();
  const classes = rowsByClass(table).filter(({ rows }) => rows.length > 0);
  return Promise.all(
    classes.slice(0, CLASSES).map(async ({ name, rows }) => {
      const count = Math.min(SHOWN, rows.length);
      const shown = Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]);
      const pngs = await Promise.all(shown.map((row) => encodePng(imageFromRow(cpu, table, row))));
      return { name, count: rows.length, pngs: pngs.map(pngAddress) };
    }),
  );
}

/** A folder a class with an image a row, as `readImages` reads them. */
export async function pngFiles(table: Table): Promise<Entry[]> {
  const cpu = await Cpu.openExtra();
  const classes = rowsByClass(table);
  const folders = fileNames(classes.map(({ name }) => name));
  const digits = String(table.rows).length;
  const files = classes.flatMap(({ rows }, c) =>
    rows.map(async (row) => ({
      path: `${folders[c]}/${String(row + 1).padStart(digits, "0")}.png`,
      content: await encodePng(imageFromRow(cpu, table, row)),
    })),
  );
  return Promise.all(files);
}
