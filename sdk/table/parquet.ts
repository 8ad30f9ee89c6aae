import type { SchemaElement } from "hyparquet";
import { inputError, MakeitError } from "../errors.ts";
import type { RawColumn } from "./builder.ts";
import { checkHeader, type RawTable, type TextSettings } from "./csv.ts";
import type { PageColumn, Unpacker } from "./pages.ts";
import { columnOf } from "./record.ts";
import type { Column, Table } from "./table.ts";

/** Reads a Parquet file, one column at a time. Its libraries are loaded on first use. */
export async function readParquet(bytes: Uint8Array, settings: TextSettings): Promise<RawTable> {
  try {
    return await read(bytes, settings);
  } catch (error) {
    if (error instanceof MakeitError) throw error;
    // What a library stumbled over says nothing to the user.
    const why = error instanceof Error && error.constructor === Error ? error.message : "it is damaged";
    throw inputError(
      `${settings.table} is not a whole Parquet file (${why}).`,
      "It was cut short or damaged on the way: fetch or write it again.",
    );
  }
}

async function read(bytes: Uint8Array, settings: TextSettings): Promise<RawTable> {
  const [{ readFooter }, { Unpacker }, { compressors, decompressZstd }] = await Promise.all([
    import("./footer.ts"),
    import("./pages.ts"),
    import("hyparquet-compressors"),
  ]);
  const { rows, columns: elements, groups } = readFooter(bytes, settings.table);
  const names = checkHeader(
    elements.map((element) => element.name),
    settings.table,
  );
  if (rows === 0) throw inputError(`${settings.table} has no rows.`, "Give a table with rows.");
  // Into a given buffer, because without one it believes the lengths that a frame says.
  const ZSTD = (input: Uint8Array, length: number) => {
    const page = decompressZstd(input, new Room(length));
    return new Uint8Array(page.buffer, page.byteOffset, page.length);
  };
  const unpacker = new Unpacker(settings.table, bytes.length, { ...compressors, ZSTD });
  const place = (row: number) => `row ${row + 1}`;
  const columns: RawColumn[] = [];
  for (const [i, element] of elements.entries()) {
    const cells: unknown[] = [];
    for (const group of groups) {
      const { start, end, codec } = group.chunks[i];
      const column = { element, codec, rows: group.rows };
      // A copy: the slice of a Node Buffer would be a part of whatever else it holds.
      await readChunk(new Uint8Array(bytes.subarray(start, end)), column, unpacker, cells);
    }
    if (cells.length !== rows) throw new Error(`column "${names[i]}" has ${cells.length} rows of ${rows}`);
    columns.push(columnOf(names[i], cells, place, settings));
  }
  return { columns, rows, place };
}

/** Room to unpack into. The library compares it with a number, for which an array would be written out as text. */
class Room extends Uint8Array {
  [Symbol.toPrimitive](): number {
    return 0;
  }
}

/** Appends the cells of some rows of one column, which the library reads as if they were a file of their own. */
async function readChunk(
  chunk: Uint8Array<ArrayBuffer>,
  column: PageColumn,
  unpacker: Unpacker,
  cells: unknown[],
): Promise<void> {
  const { element, codec, rows } = column;
  if (rows === 0) return;
  const [{ checkPages }, { parquetRead }] = await Promise.all([import("./pages.ts"), import("hyparquet")]);
  const pages = checkPages(chunk, column, unpacker);
  const meta_data = {
    type: element.type!,
    codec,
    path_in_schema: [element.name],
    encodings: [],
    num_values: BigInt(rows),
    total_uncompressed_size: 0n,
    total_compressed_size: BigInt(chunk.length),
    data_page_offset: 0n,
  };
  const single = element.type === "FLOAT";
  await parquetRead({
    file: { byteLength: chunk.length, slice: () => chunk.buffer },
    metadata: {
      version: 2,
      schema: [{ name: "root", num_children: 1 }, element],
      num_rows: BigInt(rows),
      row_groups: [
        { columns: [{ file_offset: 0n, meta_data }], total_byte_size: 0n, num_rows: BigInt(rows) },
      ],
      metadata_length: 0,
    },
    compressors: { [codec]: () => pages.shift()! },
    parsers: { stringFromBytes: (bytes) => bytes && textOf(bytes, element.name, unpacker.table) },
    onChunk: ({ columnData }) => {
      for (let k = 0; k < columnData.length; k++) cells.push(single ? decimal(columnData[k]) : columnData[k]);
    },
  });
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array, column: string, table: string): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw inputError(
      `${table}: column "${column}" holds bytes that are no UTF-8 text.`,
      "Leave the column out, or write it as text.",
    );
  }
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
  // A Boolean has no words of its own: yes and no stay words.
  if (format.words && format.words.join() !== "false,true") {
    return { element: text, cells: cells((value) => format.words![value]) };
  }
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
