import type { SchemaElement } from "hyparquet";
import { inputError, MakeitError } from "../errors.ts";
import { checkHeader, type RawTable, type TextSettings } from "./csv.ts";
import { columnOf } from "./record.ts";
import type { Column, Table } from "./table.ts";

/** Reads a Parquet file, one column at a time. Its libraries are loaded on first use. */
export async function readParquet(bytes: Uint8Array, settings: TextSettings): Promise<RawTable> {
  try {
    return await read(bytes, settings);
  } catch (error) {
    if (error instanceof MakeitError) throw error;
    throw inputError(
      `${settings.table} is not a whole Parquet file (${error instanceof Error ? error.message : error}).`,
      "It was cut short or damaged on the way: fetch or write it again.",
    );
  }
}

async function read(bytes: Uint8Array, settings: TextSettings): Promise<RawTable> {
  const [{ parquetMetadataAsync, parquetRead, parquetSchema }, { compressors }] = await Promise.all([
    import("hyparquet"),
    import("hyparquet-compressors"),
  ]);
  const buffer = bytes.buffer as ArrayBuffer;
  const file = {
    byteLength: bytes.length,
    slice: (start: number, end = bytes.length) =>
      buffer.slice(bytes.byteOffset + start, bytes.byteOffset + end),
  };
  const metadata = await parquetMetadataAsync(file);
  const rows = Number(metadata.num_rows);
  const schema = parquetSchema(metadata).children;
  const names = checkHeader(
    schema.map((node) => node.element.name),
    settings.table,
  );
  if (rows === 0) throw inputError(`${settings.table} has no rows.`, "Give a table with rows.");
  const place = (row: number) => `row ${row + 1}`;
  const columns = [];
  for (const [i, { element, children }] of schema.entries()) {
    if (children.length > 0) throw nested(element.name, children[0].element.name, settings);
    const cells: unknown[] = new Array(rows);
    const onChunk = ({ columnData, rowStart }: { columnData: ArrayLike<unknown>; rowStart: number }) => {
      const single = element.type === "FLOAT";
      for (let k = 0; k < columnData.length; k++)
        cells[rowStart + k] = single ? decimal(columnData[k]) : columnData[k];
    };
    await parquetRead({ file, metadata, columns: [element.name], compressors, onChunk });
    columns.push(columnOf(names[i], cells, place, settings));
  }
  return { columns, rows, place };
}

/** The shortest decimal that a 32-bit float stands for: 39.1, not 39.09999847412109. */
function decimal(cell: unknown): unknown {
  if (typeof cell !== "number" || !Number.isFinite(cell)) return cell;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(cell.toPrecision(digits));
    if (Math.fround(short) === cell) return short;
  }
  return cell;
}

function nested(name: string, child: string, settings: TextSettings): Error {
  return inputError(
    `${settings.table}: column "${name}" is nested (${name}.${child}).`,
    "Flatten nested values into columns of their own.",
  );
}

/** Writes a table as Parquet (snappy): integers, doubles, booleans, dates, timestamps and strings. */
export async function writeParquet(table: Table): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const typed = table.columns.map(typedCells);
  const schema: SchemaElement[] = [
    { name: "root", num_children: typed.length },
    ...typed.map(({ element }) => ({ ...element, repetition_type: "OPTIONAL" as const })),
  ];
  const columnData = typed.map(({ element, cells }) => ({ name: element.name, data: cells }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema }));
}

/** A column in the Parquet type that fits it, null where missing. */
function typedCells(column: Column): { element: SchemaElement; cells: unknown[] } {
  const { name, values, codes, categories, format } = column;
  const text = { name, type: "BYTE_ARRAY", converted_type: "UTF8" } as const;
  if (codes)
    return { element: text, cells: Array.from(codes, (code) => (code < 0 ? null : categories![code])) };
  const cells = (write: (value: number) => unknown) =>
    Array.from(values!, (value) => (Number.isNaN(value) ? null : write(value)));
  if (format.words) return { element: { name, type: "BOOLEAN" }, cells: cells((value) => value === 1) };
  if (format.pattern) {
    const date = !format.pattern.includes("mm");
    const element: SchemaElement = date
      ? { name, type: "INT32", converted_type: "DATE" }
      : { name, type: "INT64", converted_type: "TIMESTAMP_MILLIS" };
    return { element, cells: cells((value) => new Date(value)) };
  }
  if (values!.every((value) => Number.isNaN(value) || Number.isSafeInteger(value)))
    return { element: { name, type: "INT64" }, cells: cells(BigInt) };
  return { element: { name, type: "DOUBLE" }, cells: cells((value) => value) };
}
