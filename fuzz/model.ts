/** Model files: a small one made without training, and ways to forge it that its checksum does not show. */
import { crc32 } from "../sdk/checksum.ts";
import { Model, sample } from "../sdk/model.ts";
import { Random } from "../sdk/random.ts";
import { Encoder } from "../sdk/table/encoder.ts";
import { readRecord } from "../sdk/table/record.ts";
import { settle } from "../sdk/table/roles.ts";
import type { Table } from "../sdk/table/table.ts";
import { checkTable } from "./check.ts";
import { damage, damageJson, jsonText, oddNumber, oneIn, pick } from "./mutate.ts";

const [ROWS, SETS, NOISE, RANK] = [4, 2, 3, 2];

/** Every kind of column, two classes. */
function seedTable(): Table {
  const index = Array.from({ length: 40 }, (_, i) => i);
  const record = {
    length: index.map((i) => i * 1.25),
    rings: index.map((i) => (i % 7 === 0 ? null : i % 13)),
    sex: index.map((i) => "FMI"[i % 3]),
    town: index.map((i) => `town ${i % 25}`),
    smoker: index.map((i) => (i % 4 === 0 ? "yes" : "no")),
    born: index.map((i) => `2001-02-${10 + (i % 18)}`),
    empty: index.map(() => null),
    kind: index.map((i) => (i % 5 === 0 ? "rare" : "common")),
  };
  const settings = { table: "seed", missing: new Set<string>(), wordsOnly: new Set<string>() };
  const raw = readRecord(record, settings);
  const around = { table: "seed", place: raw.place, warn: () => {} };
  const columns = raw.columns.map((column) => settle(column, undefined, around));
  return { name: "seed", rows: raw.rows, columns, warnings: [] };
}

/** A whole model file whose weights are drawn at random. */
export function seedModel(): Uint8Array {
  const random = new Random(1);
  const floats = (length: number) => Float32Array.from({ length }, () => random.uniform() - 0.5);
  const encoder = Encoder.fit(seedTable(), { target: "kind" });
  const width = encoder.width + 2;
  const weights = {
    a: floats(NOISE * width * RANK),
    b: floats(width * RANK),
    kernel: floats(ROWS * RANK),
    bias: floats(ROWS),
  };
  const noiseSd = floats(NOISE).map(Math.abs);
  const generator = { rows: ROWS, width, rank: RANK, noise: NOISE, noiseSd, weights };
  const voted = Array.from({ length: SETS }, (_, v) => ({
    x: { data: floats(ROWS * encoder.width), rows: ROWS, cols: encoder.width },
    y: Int32Array.from({ length: ROWS }, (_, i) => (i + v) % 2),
    score: v / 2,
  }));
  return new Model({ encoder: encoder.toJSON(), generator, voted }, { epochs: 1 }).toBytes();
}

/** A model file taken apart. */
interface Parts {
  header: Record<string, unknown>;
  values: Uint8Array;
}

function partsOf(bytes: Uint8Array): Parts {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return { header, values: bytes.slice(8 + length) };
}

/** Puts a file together again, with the checksum that it should have. */
function seal({ header, values }: Parts): Uint8Array {
  const { __metadata__: metadata, ...tensors } = header;
  const isObject = typeof metadata === "object" && metadata !== null;
  const open = jsonText({ __metadata__: isObject ? { ...metadata, checksum: "" } : metadata, ...tensors });
  const sum = crc32(values, crc32(new TextEncoder().encode(open)))
    .toString(16)
    .padStart(8, "0");
  const sealed = { __metadata__: isObject ? { ...metadata, checksum: sum } : metadata, ...tensors };
  const json = new TextEncoder().encode(jsonText(sealed));
  const out = new Uint8Array(8 + json.length + values.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  out.set(values, 8 + json.length);
  return out;
}

export function damageModel(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const seed = pick(random, seeds);
  if (oneIn(random, 4)) return damage(seed, random, seeds);
  const { header, values } = partsOf(seed);
  const metadata = header.__metadata__ as Record<string, string>;
  const what = random.integer(4);
  if (what === 0) return seal({ header: { ...(damageJson(header, random) as object) }, values });
  if (what === 1) {
    const floats = new Float32Array(values.buffer, 0, Math.floor(values.length / 4));
    const odd = [Number.NaN, Infinity, -Infinity, 3e38, -3e38, 1e-45, 0, oddNumber(random)];
    floats[random.integer(floats.length)] = pick(random, odd);
    if (oneIn(random, 2)) floats.fill(pick(random, odd), 0, random.integer(floats.length));
    return seal({ header, values });
  }
  const key = what === 2 ? "settings" : "encoder";
  metadata[key] = jsonText(damageJson(JSON.parse(metadata[key]), random));
  return seal({ header, values });
}

/** Reads a model, draws from it and writes it again. */
export async function readModel(bytes: Uint8Array): Promise<void> {
  const model = Model.fromBytes(bytes, "odd");
  checkTable(model.best());
  const drawn = await sample(model, { rows: 9 });
  checkTable(drawn);
  const always = (JSON.parse(JSON.stringify(model.encoder)) as { fields: Field[] }).fields;
  for (const { column, missing } of always) {
    const found = drawn.columns.find(({ name }) => name === column)!.missing;
    if (missing === "none" && found > 0) throw new Error(`${column} is never missing, and is now`);
  }
  const again = Model.fromBytes(model.toBytes());
  if (again.encoder.width !== model.encoder.width) throw new Error("written again, it is another model");
}

interface Field {
  column: string;
  missing: string;
}
