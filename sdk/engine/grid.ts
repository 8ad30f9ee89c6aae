/**
 * How many workgroups a shader's entry points take. Every entry point strides over its work, so any count gives the
 * right numbers; these give each thread one piece of it.
 */

/** One run of an entry point: its workgroups in x and y. */
export interface Dispatch {
  readonly entry: string;
  readonly x: number;
  readonly y?: number;
}

/** Sizes that a grid and its shader share: where a shader has a constant of one of these names, it has this value. */
export const GRID = {
  /** Threads of a workgroup that goes over elements one by one. */
  FLAT: 256,
  /** Threads of a workgroup that goes along a row. */
  ALONG: 64,
  /** Threads of the one workgroup that adds up a loss. */
  TERMS: 64,
  /** Columns that a workgroup sums, and threads that share each. */
  COLUMNS: 8,
  PARTS: 16,
  /** What a thread of a product makes: rows and columns of a tile. */
  TILE_ROWS: 8,
  TILE_COLS: 4,
  /** Tiles, one a thread, across and down a workgroup. */
  ACROSS: 16,
  DOWN: 4,
  /** Tiles of a workgroup whose threads share them, and threads that share each. */
  LANES: 4,
  SLICES: 16,
} as const;

/** Columns of more rows than this are summed by several threads each. */
const SHORT = 128;
/** A product of fewer tiles leaves a large GPU idle: threads share the tiles … */
const FEW = 16_384;
/** … if that saves more than it costs: with sums of this many terms a software GPU takes 1.5 times as long, not more. */
const LONG = 2560;

const over = (n: number, size: number) => Math.ceil(n / size);

/** A thread for each of `n` elements. */
export function flat(entry: string, n: number): Dispatch {
  return { entry, x: over(n, GRID.FLAT) };
}

/** A thread for each element of `rows` rows. */
export function along(entry: string, rows: number, length: number): Dispatch {
  return { entry, x: over(length, GRID.ALONG), y: rows };
}

/** PARTS threads for each column of `sets` matrices. */
export function columns(entry: string, cols: number, sets = 1): Dispatch {
  return { entry, x: over(cols, GRID.COLUMNS), y: sets };
}

/** The sums of `sets` × `cols` columns: a thread for each where they are short. */
export function sums(rows: number, cols: number, sets = 1): Dispatch {
  return rows <= SHORT ? flat("alone", sets * cols) : columns("together", cols, sets);
}

/** A thread for each tile of a product with `rows` × `cols` outputs. */
export function tiles(entry: string, rows: number, cols: number): Dispatch {
  const { TILE_ROWS, TILE_COLS, ACROSS, DOWN } = GRID;
  return { entry, x: over(cols, TILE_COLS * ACROSS), y: over(rows, TILE_ROWS * DOWN) };
}

/** SLICES threads for each tile. */
function slices(entry: string, rows: number, cols: number): Dispatch {
  const { TILE_ROWS, TILE_COLS, LANES } = GRID;
  return { entry, x: over(cols, TILE_COLS * LANES), y: over(rows, TILE_ROWS) };
}

/** The entry points for lengths that are all multiples of 4, or for any. */
export function kindOf(...lengths: number[]): "aligned" | "ragged" {
  return lengths.every((length) => length % 4 === 0) ? "aligned" : "ragged";
}

/** A product with `rows` × `cols` outputs, each a sum of `terms` terms. */
export function product(kind: "aligned" | "ragged", rows: number, cols: number, terms: number): Dispatch {
  const count = over(rows, GRID.TILE_ROWS) * over(cols, GRID.TILE_COLS);
  return count < FEW && terms >= LONG ? slices(`${kind}_slices`, rows, cols) : tiles(kind, rows, cols);
}
