/** Model files: what is written is read, what is broken is refused, and samples are what was asked for. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../sdk/checksum.ts";
import { MakeitError } from "../sdk/errors.ts";
import { Model, type SampleOptions, sample } from "../sdk/model.ts";
import { resolveSettings } from "../sdk/options.ts";
import { Random } from "../sdk/random.ts";
import { Encoder } from "../sdk/table/encoder.ts";
import { readTable } from "../sdk/table/read.ts";
import { cellText, type Table } from "../sdk/table/table.ts";
import { train } from "../sdk/train.ts";
import { gaussian } from "./data.ts";

/** 90 rows of every kind of column, in `classes` classes. */
function csv(classes: number): string {
  const random = new Random(3);
  const lines = ["length,rings,sex,smoker,born,species"];
  for (let i = 0; i < 90; i++) {
    const species = i % 5 === 0 ? 1 + ((i / 5) % (classes - 1)) : 0;
    const length = (10 + species + gaussian(random)).toFixed(2);
    const rings = i % 11 === 0 ? "" : random.integer(20) + 3 * species;
    const day = String(1 + random.integer(28)).padStart(2, "0");
    const cells = [
      length,
      rings,
      "FMI"[random.integer(3)],
      ["no", "yes"][random.integer(2)],
      `2001-02-${day}`,
    ];
    lines.push([...cells, ["common", "rare", "odd"][species]].join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** A model after two epochs. */
async function trained(classes: number): Promise<Model> {
  const table = await readTable(csv(classes));
  const encoder = Encoder.fit(table, { target: "species", positive: classes === 2 ? "rare" : undefined });
  const settings = resolveSettings({
    epochs: 2,
    samples: "12",
    rescore: 2,
    rescoreDraws: 1,
    vote: 3,
    noise: 5,
    rank: 3,
  });
  const job = { x: encoder.encode(table), y: encoder.labels(table), classes, settings, seed: 1 };
  const { generator, voted } = await train(job);
  return new Model({ encoder: encoder.toJSON(), generator, voted }, settings);
}

let model: Model;
let three: Model;
let bytes: Uint8Array;
beforeAll(async () => {
  model = await trained(2);
  three = await trained(3);
  bytes = model.toBytes();
});

const cells = ({ columns, rows }: Table) =>
  columns.map((column) => [column.name, ...Array.from({ length: rows }, (_, row) => cellText(column, row))]);

/** How often each class occurs in a sample. */
function countsOf(table: Table): Record<string, number> {
  const counts: Record<string, number> = {};
  const column = table.columns.find(({ name }) => name === "species")!;
  for (let row = 0; row < table.rows; row++) {
    const name = cellText(column, row);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

interface Header {
  length: number;
  metadata: Record<string, string>;
  tensors: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>;
}

/** The header as the safetensors format has it: its length in 8 bytes, little-endian, then JSON. */
function headerOf(file: Uint8Array): Header {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const json = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const { __metadata__: metadata, ...tensors } = json;
  return { length, metadata, tensors };
}

describe("files", () => {
  test("what is written is read: the same samples, sets, settings and bytes", async () => {
    for (const original of [model, three]) {
      const read = Model.fromBytes(original.toBytes());
      expect(read.state.generator).toEqual(original.state.generator);
      expect(read.settings).toEqual(original.settings);
      expect(read.version).toBe(original.version);
      expect(read.toBytes()).toEqual(original.toBytes());
      expect(cells(read.best())).toEqual(cells(original.best()));
      expect(read.best().rows).toBe(3 * 12);
      expect(cells(await sample(read, { rows: 100 }))).toEqual(cells(await sample(original, { rows: 100 })));
    }
  });

  test("bytes that start anywhere in their buffer are read", () => {
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(Model.fromBytes(shifted.subarray(3)).toBytes()).toEqual(bytes);
  });

  test("a file is valid safetensors", () => {
    const { length, metadata, tensors } = headerOf(bytes);
    expect(length % 8).toBe(0);
    expect(bytes[8]).toBe("{".charCodeAt(0));
    for (const value of Object.values(metadata)) expect(typeof value).toBe("string");
    expect(metadata).toMatchObject({ format: "makeit", file_version: "1" });
    let end = 0;
    for (const { dtype, shape, data_offsets } of Object.values(tensors)) {
      expect(dtype).toBe("F32");
      expect(data_offsets[0]).toBe(end); // no holes, no overlap
      end += shape.reduce((size, n) => size * n, 4);
      expect(data_offsets[1]).toBe(end);
    }
    expect(8 + length + end).toBe(bytes.length);
    const { width } = model.state.generator;
    expect(Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]))).toEqual({
      "generator.noise_sd": [5],
      "generator.a": [5, 3 * width],
      "generator.b": [3 * width],
      "generator.kernel": [12, 3],
      "generator.bias": [12],
      "sets.x": [3, 12, width - 2],
      "sets.y": [3, 12],
      "sets.score": [3],
    });
    const values = new DataView(bytes.buffer, 8 + length + tensors["generator.bias"].data_offsets[0]);
    model.state.generator.weights.bias.forEach((value, i) => {
      expect(values.getFloat32(4 * i, true)).toBe(value);
    });
  });

  test("a user's own functions are written as the word custom", () => {
    const settings = resolveSettings({ metric: () => 1, classifier: { fit() {}, predictProba: () => [] } });
    const own = Model.fromBytes(new Model(model.state, settings).toBytes());
    expect(own.settings).toMatchObject({ metric: "custom", classifier: "custom", objective: "augmented" });
  });
});

/** A file of any header and values. */
function fileOf(header: unknown, values: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + values.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  out.set(values, 8 + json.length);
  return out;
}

/** The model's file with something changed and the checksum made to fit, as a careful forger would. */
function forged(change: (header: Header, values: Float32Array) => void): Uint8Array {
  const header = headerOf(bytes);
  const values = bytes.slice(8 + header.length);
  change(header, new Float32Array(values.buffer));
  const { metadata, tensors } = header;
  const open = { __metadata__: { ...metadata, checksum: "" }, ...tensors };
  const sum = crc32(values, crc32(new TextEncoder().encode(JSON.stringify(open))));
  const sealed = { ...metadata, checksum: sum.toString(16).padStart(8, "0") };
  return fileOf({ __metadata__: sealed, ...tensors }, values);
}

/** Reads bytes that may be anything: the model, or undefined where they were refused as a user's error. */
function readOrRefuse(damaged: Uint8Array): Model | undefined {
  try {
    return Model.fromBytes(damaged, "m.safetensors");
  } catch (error) {
    expect(error).toBeInstanceOf(MakeitError);
    const { code, message, hint } = error as MakeitError;
    expect(code).toBe("input");
    expect(message).toMatch(/^m\.safetensors is /);
    expect(hint).not.toBe("");
    return undefined;
  }
}

describe("broken files", () => {
  test("CRC-32: the known answer, and in parts", () => {
    const digits = new TextEncoder().encode("123456789");
    expect(crc32(digits)).toBe(0xcbf43926);
    expect(crc32(digits.subarray(4), crc32(digits.subarray(0, 4)))).toBe(0xcbf43926);
  });

  test("cut short anywhere: refused", () => {
    const header = 8 + headerOf(bytes).length;
    const lengths = Array.from({ length: 300 }, (_, i) => Math.floor((i * header) / 300));
    lengths.push(header, header + 1, header + 4, bytes.length - 4, bytes.length - 1);
    for (const length of lengths) expect(readOrRefuse(bytes.subarray(0, length))).toBeUndefined();
  });

  test("longer than it says: refused", () => {
    const longer = new Uint8Array(bytes.length + 4);
    longer.set(bytes);
    expect(readOrRefuse(longer)).toBeUndefined();
  });

  test("bytes changed anywhere: refused, or a model with finite samples", async () => {
    const change = fc.record({ at: fc.nat(bytes.length - 1), by: fc.integer({ min: 1, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = bytes.slice();
        for (const { at, by } of changes) damaged[at] ^= by;
        const read = readOrRefuse(damaged);
        if (read)
          expect(cells(await sample(read, { rows: 5 }))).toEqual(cells(await sample(model, { rows: 5 })));
      }),
      { numRuns: 400 },
    );
  });

  test("each byte of the header changed: refused, or blanks behind it", () => {
    const { length } = headerOf(bytes);
    const end = 8 + new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd().length;
    for (let at = 0; at < end; at++) {
      const damaged = bytes.slice();
      damaged[at] ^= 1 + (at % 255);
      if (readOrRefuse(damaged)) expect.fail(`byte ${at} changed, and it was read`);
    }
  });

  test("bytes that are no model: refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(readOrRefuse(noise)).toBeUndefined();
      }),
    );
    const none = new Uint8Array(0);
    for (const header of [null, [], 3, "makeit", {}, { __metadata__: null }, { __metadata__: 3 }]) {
      expect(readOrRefuse(fileOf(header, none))).toBeUndefined();
    }
    expect(readOrRefuse(fileOf({ __metadata__: { format: "pt" } }, none))).toBeUndefined();
    expect(
      readOrRefuse(fileOf({ __metadata__: { format: "makeit", file_version: "1" } }, none)),
    ).toBeUndefined();
  });

  test("another version: named, with both versions", () => {
    const later = forged(({ metadata }) => Object.assign(metadata, { file_version: "2", version: "9.1.0" }));
    expect(() => Model.fromBytes(later, "m.safetensors")).toThrow(
      /m\.safetensors is a model of file version 2; .* reads version 1/,
    );
    try {
      Model.fromBytes(later);
    } catch (error) {
      expect((error as MakeitError).hint).toContain("9.1.0");
    }
  });

  test("what a forger leaves untouched is read", () => {
    expect(Model.fromBytes(forged(() => {})).state).toEqual(Model.fromBytes(bytes).state);
  });

  const state =
    (change: (encoder: { fields: unknown[]; target: unknown }) => unknown) => (header: Header) => {
      const encoder = JSON.parse(header.metadata.encoder);
      header.metadata.encoder = JSON.stringify(change(encoder) ?? encoder);
    };
  test.each<[string, (header: Header, values: Float32Array) => void]>([
    ["a tensor is missing", ({ tensors }) => delete tensors["sets.y"]],
    ["a shape of another size", ({ tensors }) => tensors["generator.b"].shape.push(2)],
    ["a shape that does not fit the others", ({ tensors }) => tensors["generator.kernel"].shape.reverse()],
    ["a shape with zeros", ({ tensors }) => tensors["generator.b"].shape.splice(0, 1, 0)],
    ["another type", ({ tensors }) => Object.assign(tensors["generator.b"], { dtype: "F16" })],
    [
      "offsets beyond the end",
      ({ tensors }) => Object.assign(tensors["sets.score"], { data_offsets: [1e6, 1e6 + 12] }),
    ],
    [
      "offsets before the start",
      ({ tensors }) => Object.assign(tensors["sets.score"], { data_offsets: [-12, 0] }),
    ],
    ["offsets that are words", ({ tensors }) => Object.assign(tensors["sets.score"], { data_offsets: "ab" })],
    ["a weight that is not finite", (_, values) => values.fill(Number.NaN, 7, 8)],
    [
      "a label that is no class",
      ({ tensors }, values) => values.fill(2, tensors["sets.y"].data_offsets[0] / 4).fill(1, -3),
    ],
    ["no encoder", ({ metadata }) => delete metadata.encoder],
    ["an encoder that is no JSON", ({ metadata }) => Object.assign(metadata, { encoder: "{" })],
    ["an encoder without fields", state((encoder) => ({ ...encoder, fields: null }))],
    ["an encoder of nothing", state((encoder) => ({ ...encoder, fields: [null] }))],
    ["an encoder of one column less", state((encoder) => void encoder.fields.pop())],
    ["an encoder without a target", state((encoder) => ({ ...encoder, target: null }))],
    ["an encoder without classes", state((encoder) => ({ ...encoder, target: {} }))],
  ])("%s: refused", (_, change) => {
    expect(readOrRefuse(forged(change))).toBeUndefined();
  });
});

describe("samples", () => {
  test.each([1, 11, 12, 13, 500])("%i rows are %i rows", async (rows) => {
    const table = await sample(model, { rows });
    expect(table.rows).toBe(rows);
    for (const column of table.columns) expect((column.values ?? column.codes)!.length).toBe(rows);
  });

  test("by default as many rows as a set has", async () => {
    expect((await sample(model)).rows).toBe(12);
  });

  test("exact counts, rare classes and absent ones too", async () => {
    const wishes: Record<string, number>[] = [{ rare: 40 }, { common: 1, rare: 0 }, { common: 200, rare: 7 }];
    for (const counts of wishes) {
      const wanted = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
      expect(countsOf(await sample(model, { counts }))).toEqual(wanted);
    }
    const counts = { odd: 30, common: 5, rare: 30 };
    expect(countsOf(await sample(three, { counts }))).toEqual(counts);
  });

  test("no row twice among those of a class", async () => {
    const table = await sample(model, { counts: { rare: 60, common: 60 } });
    const x = model.encoder.encode(table);
    const rows = Array.from({ length: 120 }, (_, i) => x.data.slice(i * x.cols, (i + 1) * x.cols).join());
    expect(new Set(rows).size).toBeGreaterThan(110); // rounding may make two alike
  });

  test("cells obey their columns", async () => {
    const table = await sample(model, { rows: 300 });
    const real = await readTable(csv(2));
    expect(table.columns.map(({ name }) => name)).toEqual(real.columns.map(({ name }) => name));
    const [length, rings, sex, smoker, born] = cells(table).map((column) => column.slice(1));
    const known = (values: string[]) => values.filter((value) => value !== "").map(Number);
    const within = (column: string, values: number[]) => {
      const range = known(
        cells(real)
          .find(([name]) => name === column)!
          .slice(1),
      );
      for (const value of values) {
        expect(value).toBeGreaterThanOrEqual(Math.min(...range));
        expect(value).toBeLessThanOrEqual(Math.max(...range));
      }
    };
    for (const text of length) expect(text).toMatch(/^\d+(\.\d{1,2})?$/);
    within("length", known(length));
    for (const text of rings) expect(text).toMatch(/^\d*$/);
    within("rings", known(rings));
    for (const text of sex) expect("FMI").toContain(text);
    for (const text of smoker) expect(["no", "yes"]).toContain(text);
    for (const text of born) expect(text).toMatch(/^2001-02-\d\d$/);
  });

  test("the same seed gives the same rows, another one others; fewer rows are the first ones", async () => {
    const draw = async (options: SampleOptions) => cells(await sample(model, options));
    expect(await draw({ rows: 40, seed: 5 })).toEqual(await draw({ rows: 40, seed: 5 }));
    expect(await draw({ rows: 40, seed: 5 })).not.toEqual(await draw({ rows: 40, seed: 6 }));
    expect(await draw({ rows: 40 })).toEqual(await draw({ rows: 40, seed: 1 }));
    expect(await draw({ counts: { rare: 9 }, seed: 2 })).not.toEqual(
      await draw({ counts: { rare: 9 }, seed: 3 }),
    );
    const many = await draw({ rows: 400, seed: 2 ** 32 - 1 });
    const few = await draw({ rows: 200, seed: 2 ** 32 - 1 });
    expect(few).toEqual(many.map((column) => column.slice(0, 201)));
  });

  test.each<[string, SampleOptions, RegExp]>([
    ["no rows", { rows: 0 }, /0 rows/],
    ["half a row", { rows: 1.5 }, /1.5 rows/],
    ["too many rows", { rows: 1e9 }, /rows/],
    ["rows that are no number", { rows: Number.NaN }, /NaN rows/],
    ["counts of nothing", { counts: {} }, /0 rows/],
    ["an unknown class", { counts: { odd: 3 } }, /no class "odd"/],
    ["a class named like a method", { counts: { toString: 3 } as never }, /no class "toString"/],
    ["a negative count", { counts: { rare: -1 } }, /"rare" was asked for -1/],
    ["half a count", { counts: { rare: 0.5 } }, /"rare" was asked for 0.5/],
    ["both rows and counts", { rows: 3, counts: { rare: 3 } }, /Both rows and counts/],
    ["a negative seed", { rows: 3, seed: -1 }, /seed/],
    ["a seed that is no whole number", { rows: 3, seed: 0.5 }, /seed/],
    ["a seed beyond 32 bits", { rows: 3, seed: 2 ** 32 }, /seed/],
  ])("%s: refused", async (_, options, message) => {
    const failed = sample(model, options);
    await expect(failed).rejects.toThrow(MakeitError);
    await expect(failed).rejects.toMatchObject({ code: "input", message: expect.stringMatching(message) });
  });
});
