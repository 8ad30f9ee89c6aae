/** A trained model: what `sample` needs, as a safetensors file that anything can load. */
import { crc32 } from "./checksum.ts";
import { Cpu } from "./engine/module.ts";
import { WasmBackend } from "./engine/wasm.ts";
import { inputError } from "./errors.ts";
import { type Matrix, matrix } from "./matrix.ts";
import { adam, Generator } from "./networks.ts";
import { Noise } from "./noise.ts";
import { Random } from "./random.ts";
import { labelSet } from "./score.ts";
import type { Settings } from "./settings.ts";
import { type ModelState, stackSets } from "./split.ts";
import type { ComponentsState } from "./table/components.ts";
import { Encoder } from "./table/encoder.ts";
import type { Table } from "./table/table.ts";
import { VERSION } from "./version.ts";

/** Counts up when files of older versions can no longer be read. */
const FILE_VERSION = 1;
/** Generated rows to choose from, as a multiple of what is asked for, when classes are asked for. */
const POOL = 4;
/** What one draw may take: a typed array and the engine hold no more than 32-bit addresses reach. */
const MAX_SAMPLE_BYTES = 2 ** 30;
const MAX_HEADER = 100_000_000;
/** An encoder's state is five deep; what is much deeper could not be written again. */
const DEEPEST = 8;

export interface SampleOptions {
  /** Rows to draw, classes as the generator makes them. */
  rows?: number;
  /** Or exactly so many rows of each named class. */
  counts?: Record<string, number>;
  seed?: number;
}

/** A generator, the encoder of its table and the sets that were found best. */
export class Model {
  readonly encoder: Encoder;
  readonly state: ModelState;
  readonly settings: Record<string, unknown>;
  readonly version: string;

  constructor(state: ModelState, settings: Partial<Settings> | Record<string, unknown>, version = VERSION) {
    this.state = state;
    this.encoder = Encoder.fromJSON(state.encoder);
    this.settings = plain({ ...settings });
    this.version = version;
  }

  /** The rows of the sets that vote, as a table: what was scored, not a new draw. */
  best(): Table {
    const { x, y } = stackSets(this.state.voted);
    return this.encoder.decode(x, y);
  }

  /** A safetensors file: 8 bytes of header length, JSON header, f32 values. */
  toBytes(): Uint8Array {
    const { generator, voted } = this.state;
    const { components, ...encoder } = this.state.encoder;
    const { x, y } = stackSets(voted);
    const tensors: [string, number[], Float32Array][] = [
      ["generator.noise_sd", [generator.noise], generator.noiseSd],
      ["generator.a", [generator.noise, generator.width * generator.rank], generator.weights.a],
      ["generator.b", [generator.width * generator.rank], generator.weights.b],
      ["generator.kernel", [generator.rows, generator.rank], generator.weights.kernel],
      ["generator.bias", [generator.rows], generator.weights.bias],
      ["sets.x", [voted.length, generator.rows, x.cols], x.data],
      ["sets.y", [voted.length, generator.rows], Float32Array.from(y)],
      ["sets.score", [voted.length], Float32Array.from(voted, (set) => set.score)],
    ];
    if (components) {
      tensors.push(["components.basis", [components.count, components.features], components.basis]);
      tensors.push(["components.scale", [components.count], components.scale]);
    }
    const metadata: Metadata = {
      format: "makeit",
      file_version: String(FILE_VERSION),
      version: this.version,
      settings: JSON.stringify(this.settings),
      encoder: JSON.stringify(encoder),
    };
    const entries: Entries = {};
    const values = new Uint8Array(tensors.reduce((sum, [, , data]) => sum + data.byteLength, 0));
    let at = 0;
    for (const [name, shape, data] of tensors) {
      entries[name] = { dtype: "F32", shape, data_offsets: [at, at + data.byteLength] };
      values.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
      at += data.byteLength;
    }
    metadata.checksum = checksum(metadata, entries, values);
    const json = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...entries }));
    const length = Math.ceil(json.length / 8) * 8; // the values start aligned
    const bytes = new Uint8Array(8 + length + values.length).fill(32, 8, 8 + length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
    bytes.set(json, 8);
    bytes.set(values, 8 + length);
    return bytes;
  }

  /** @throws MakeitError for a file cut short, of another version, or that is no model. */
  static fromBytes(bytes: Uint8Array, name = "the model"): Model {
    const file = new TensorFile(bytes, name);
    const { noise_sd, a, b, kernel, bias } = file.group("generator", [
      "noise_sd",
      "a",
      "b",
      "kernel",
      "bias",
    ]);
    const sets = file.group("sets", ["x", "y", "score"]);
    const [rows, rank] = kernel.shape;
    const noise = noise_sd.data.length;
    const width = b.data.length / rank;
    const [count, setRows, features] = sets.x.shape;
    const settings = file.json("settings");
    const encoder = file.json("encoder") as unknown as ModelState["encoder"];
    if (file.holds("components")) encoder.components = readComponents(file);
    const fits =
      Number.isInteger(width) &&
      a.data.length === noise * width * rank &&
      kernel.data.length === rows * rank &&
      bias.data.length === rows &&
      setRows === rows &&
      sets.x.data.length === count * rows * features &&
      sets.y.data.length === count * rows &&
      sets.score.data.length === count;
    if (!fits) throw file.broken("its tensors do not fit together");
    const weights = { a: a.data, b: b.data, kernel: kernel.data, bias: bias.data };
    const voted = Array.from({ length: count }, (_, v) => ({
      x: { data: sets.x.data.slice(v * rows * features, (v + 1) * rows * features), rows, cols: features },
      y: Int32Array.from(sets.y.data.subarray(v * rows, (v + 1) * rows)),
      score: sets.score.data[v],
    }));
    const generator = { rows, width, rank, noise, noiseSd: noise_sd.data, weights };
    const model = openModel({ encoder, generator, voted }, settings, file);
    const classes = model.encoder.classes.length;
    const known = sets.y.data.every((c) => Number.isInteger(c) && c >= 0 && c < classes);
    if (model.encoder.width !== features || width !== features + classes || !known) {
      throw file.broken("its encoder and its tensors do not fit together");
    }
    return model;
  }
}

function readComponents(file: TensorFile): ComponentsState {
  const { basis, scale } = file.group("components", ["basis", "scale"]);
  const [count, features] = basis.shape;
  if (basis.shape.length !== 2 || scale.data.length !== count || !scale.data.every((value) => value > 0)) {
    throw file.broken("its components do not fit together");
  }
  return { count, features, basis: basis.data, scale: scale.data };
}

function openModel(state: ModelState, settings: Record<string, unknown>, file: TensorFile): Model {
  try {
    return new Model(state, settings, file.metadata.version);
  } catch {
    throw file.broken("its encoder cannot be read");
  }
}

type Metadata = Record<string, string>;
type Entries = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** Of everything in a file but the checksum itself and the blanks behind the header. */
function checksum(metadata: Metadata, entries: Entries, values: Uint8Array): string {
  const header = JSON.stringify({ __metadata__: { ...metadata, checksum: "" }, ...entries });
  const sum = crc32(values, crc32(new TextEncoder().encode(header)));
  return sum.toString(16).padStart(8, "0");
}

/** An object of words and of lists of numbers: nothing nested, so that writing it again takes no deep stack. */
function isFlat(value: unknown): boolean {
  const isItem = (item: unknown) => typeof item !== "object";
  const isPlain = (item: unknown) => isItem(item) || (Array.isArray(item) && item.every(isItem));
  return typeof value === "object" && value !== null && Object.values(value).every(isPlain);
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((item) => isShallow(item, depth - 1));
}

interface StoredTensor {
  shape: number[];
  data: Float32Array;
}

/** Reads a safetensors file without trusting it. */
class TensorFile {
  readonly metadata: Metadata;
  readonly #name: string;
  readonly #entries: Entries;
  readonly #data: Uint8Array;

  constructor(bytes: Uint8Array, name: string) {
    this.#name = name;
    if (bytes.length < 8) throw this.broken("it has fewer than 8 bytes");
    const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
    if (length > BigInt(Math.min(MAX_HEADER, bytes.length - 8))) throw this.broken("its header is cut short");
    const head = bytes.subarray(8, 8 + Number(length));
    let parsed: unknown;
    try {
      parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(head));
    } catch {
      throw this.broken("its header is not JSON");
    }
    if (typeof parsed !== "object" || parsed === null) throw this.broken("its header is not an object");
    const { __metadata__: metadata, ...entries } = parsed as Record<string, unknown>;
    if (!isFlat(metadata ?? {}) || !Object.values(entries).every(isFlat)) {
      throw this.broken("its header is no safetensors header");
    }
    this.#entries = entries as Entries;
    const start = 8 + Number(length);
    // A plain view: the slice of a Node Buffer would not copy.
    this.#data = new Uint8Array(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
    this.metadata = (metadata ?? {}) as Metadata;
    if (this.metadata.format !== "makeit") throw this.broken("it was not written by makeit");
    if (!/^\d+$/.test(this.metadata.file_version)) throw this.broken("its version is missing");
    if (this.metadata.file_version !== String(FILE_VERSION)) {
      throw inputError(
        `${name} is a model of file version ${this.metadata.file_version}; this makeit ${VERSION} reads version ${FILE_VERSION}.`,
        `Use the makeit that wrote it (${this.metadata.version ?? "unknown"}), or fit it again.`,
      );
    }
    if (this.metadata.checksum !== checksum(this.metadata, this.#entries, this.#data)) {
      throw this.broken("its checksum does not match what it holds");
    }
  }

  /** Whether there are tensors of that group. */
  holds(prefix: string): boolean {
    return Object.keys(this.#entries).some((name) => name.startsWith(`${prefix}.`));
  }

  group<K extends string>(prefix: string, names: readonly K[]): Record<K, StoredTensor> {
    const entries = names.map((name) => [name, this.#tensor(`${prefix}.${name}`)] as const);
    return Object.fromEntries(entries) as Record<K, StoredTensor>;
  }

  json(key: string): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(this.metadata[key]);
      const isObject = typeof value === "object" && value !== null;
      if (isObject && isShallow(value, DEEPEST)) return value as Record<string, unknown>;
    } catch {}
    throw this.broken(`its ${key} cannot be read`);
  }

  broken(why: string) {
    return inputError(
      `${this.#name} is not a whole makeit model: ${why}.`,
      "Copy the file again, or fit the model again.",
    );
  }

  #tensor(name: string): StoredTensor {
    const entry = Object.hasOwn(this.#entries, name) ? this.#entries[name] : undefined;
    const [from, to] = Array.isArray(entry?.data_offsets) ? entry.data_offsets : [0, -1];
    const shape = Array.isArray(entry?.shape) ? entry.shape : [];
    const size = shape.reduce((product, n) => product * n, 4);
    const valid = shape.length > 0 && shape.every((n) => Number.isInteger(n) && n > 0);
    if (entry?.dtype !== "F32" || !valid || !(from >= 0) || to - from !== size) {
      throw this.broken(`tensor ${name} is missing or malformed`);
    }
    if (to > this.#data.length) throw this.broken(`it ends before tensor ${name} does`);
    const data = new Float32Array(this.#data.slice(from, to).buffer);
    if (!data.every(Number.isFinite)) throw this.broken(`tensor ${name} holds numbers that are not finite`);
    return { shape, data };
  }
}

/** Draws new rows from a model's generator. Same seed, same rows. */
export async function sample(model: Model, { rows, counts, seed = 1 }: SampleOptions = {}): Promise<Table> {
  const { classes } = model.encoder;
  if (rows !== undefined && counts !== undefined) {
    throw inputError(
      "Both rows and counts were given.",
      "Give one: rows, or counts such as { positive: 100 }.",
    );
  }
  const wanted = counts ? wantedCounts(counts, classes) : undefined;
  const total = wanted ? wanted.reduce((sum, n) => sum + n, 0) : (rows ?? model.state.generator.rows);
  if (!Number.isInteger(total) || total < 1 || total > 1e8) {
    throw inputError(`${rows ?? total} rows were asked for; expected a whole number from 1 to 100000000.`);
  }
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw inputError(`The seed is ${seed}; expected a whole number from 0 to 4294967295.`);
  }
  const bytes = 4 * model.state.generator.width * total * (wanted ? POOL : 1);
  if (bytes > MAX_SAMPLE_BYTES) {
    throw inputError(
      `${total} rows of ${model.state.generator.width} numbers are too many for one draw.`,
      "Draw fewer rows at a time, each time with another seed.",
    );
  }
  const pool = await generate(model, wanted ? POOL * total : total, seed);
  const width = pool.cols;
  const features = width - classes.length;
  const set = labelSet(pool.data, pool.rows, features, classes.length);
  const chosen = wanted
    ? chooseByClass(pool, features, wanted)
    : { rows: range(total), y: set.y.subarray(0, total) };
  const x = matrix(chosen.rows.length, features);
  chosen.rows.forEach((row, i) => {
    x.data.set(set.x.data.subarray(row * features, (row + 1) * features), i * features);
  });
  return model.encoder.decode(x, Int32Array.from(chosen.y));
}

function wantedCounts(counts: Record<string, number>, classes: readonly string[]): number[] {
  for (const [name, count] of Object.entries(counts)) {
    if (!classes.includes(name)) {
      throw inputError(`The model has no class "${name}".`, `Its classes are: ${classes.join(", ")}.`);
    }
    if (!Number.isInteger(count) || count < 0) {
      throw inputError(
        `Class "${name}" was asked for ${count} times; expected a whole number of at least 0.`,
      );
    }
  }
  return classes.map((name) => (Object.hasOwn(counts, name) ? counts[name] : 0));
}

/**
 * For each class, the rows of the pool that are most clearly of it; the rarest wish chooses first. No row is used
 * twice, and nothing is drawn until it happens to fit, so the work is bounded.
 */
function chooseByClass(pool: Matrix, features: number, wanted: number[]): { rows: number[]; y: number[] } {
  const margin = (row: number, c: number) => {
    const logits = pool.data.subarray(row * pool.cols + features, (row + 1) * pool.cols);
    let other = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < logits.length; k++) if (k !== c) other = Math.max(other, logits[k]);
    return logits[c] - other;
  };
  const used = new Uint8Array(pool.rows);
  const margins = new Float64Array(pool.rows);
  const chosen: { row: number; c: number }[] = [];
  const order = range(wanted.length).sort((a, b) => wanted[a] - wanted[b] || a - b);
  for (const c of order) {
    const free = range(pool.rows).filter((row) => !used[row]);
    for (const row of free) margins[row] = margin(row, c);
    free.sort((a, b) => margins[b] - margins[a] || a - b);
    for (const row of free.slice(0, wanted[c])) {
      used[row] = 1;
      chosen.push({ row, c });
    }
  }
  chosen.sort((a, b) => a.row - b.row);
  return { rows: chosen.map(({ row }) => row), y: chosen.map(({ c }) => c) };
}

/** At least `rows` generated rows (features and logits), in whole sets drawn with fresh noise. */
async function generate(model: Model, rows: number, seed: number): Promise<Matrix> {
  const { generator: state } = model.state;
  const { width, rank, noise } = state;
  const sets = Math.ceil(rows / state.rows);
  const batch = Math.min(sets, 16);
  const cpu = await Cpu.open();
  const backend = await WasmBackend.open();
  const shape = { sets: batch, rows: state.rows, width, rank, noise };
  const generator = new Generator(backend, shape, adam(0), new Random(0));
  generator.parameters.write(state.weights);
  const source = new Noise(cpu, state.noiseSd, batch, seed);
  const out = matrix(Math.ceil(sets / batch) * batch * state.rows, width);
  const part = batch * state.rows * width;
  for (let at = 0; at < out.data.length; at += part) {
    backend.write(generator.z, source.next());
    backend.submit(generator.forward);
    await backend.read(generator.y, out.data.subarray(at, at + part));
  }
  backend.dispose();
  return out;
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/**
 * Settings as they can be written: a user's own functions become the word "custom". What changes no result (`jobs`,
 * `threads`) is left out, so it changes no file either.
 */
export function plain({
  jobs: _jobs,
  threads: _threads,
  profile: _profile,
  ...settings
}: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key,
      typeof value === "function" || typeof value === "object" ? "custom" : value,
    ]),
  );
}
