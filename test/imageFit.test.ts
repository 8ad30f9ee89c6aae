/** The main job on images: small ones whose classes differ in one known place. */
import { decode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { drawImportancesOf, splitPictures } from "../sdk/drawings.ts";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { imageFromRow, type Picture, pixelOf } from "../sdk/image.ts";
import { importanceSheet } from "../sdk/images/heatmap.ts";
import { pngBytes } from "../sdk/images/png.ts";
import { readImages } from "../sdk/images/read.ts";
import { contactSheet } from "../sdk/images/sheet.ts";
import { Model, sample } from "../sdk/model.ts";
import { adam, Generator } from "../sdk/networks.ts";
import { drawImages } from "../sdk/plots/images.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import { drawPixels } from "../sdk/plots/pixels.ts";
import { Random } from "../sdk/random.ts";
import { renderReport } from "../sdk/report.ts";
import { fit, type Run } from "../sdk/run.ts";
import { startFrom } from "../sdk/start.ts";
import type { Table } from "../sdk/table/table.ts";
import { toy } from "./toy.ts";

const SIZE = 6;
/** Where the rare class is bright: columns 3 and 4 of rows 1 and 2, in red. */
const isSpot = (y: number, x: number) => (y === 1 || y === 2) && (x === 3 || x === 4);

/** Images that lie in memory: smooth noise, and a red spot in every fourth. */
async function spots(): Promise<Table> {
  const random = new Random(11);
  const pictures: Picture[] = Array.from({ length: 80 }, (_, i) => {
    const light = 90 + 80 * random.uniform();
    const data = new Uint8Array(3 * SIZE * SIZE).map((_, at) => {
      const [y, x] = [Math.floor(at / 3 / SIZE), Math.floor(at / 3) % SIZE];
      const spot = i % 4 === 0 && at % 3 === 0 && isSpot(y, x) ? 60 : 0;
      return Math.min(255, light + spot + 20 * random.uniform() - 10);
    });
    data.set([255, 255, 255]); // the corner is white in every image
    return { width: SIZE, height: SIZE, data };
  });
  const files = pictures.map((_, i) => ({
    name: `spots/${i % 4 === 0 ? "rare" : "common"}/${String(i).padStart(2, "0")}.png`,
    data: header(SIZE, i),
  }));
  return readImages(files, {
    name: "spots",
    size: `${SIZE}x${SIZE}`,
    decode: async (bytes) => pictures[bytes[33]],
  });
}

/** A PNG that is nothing but its header, and a number behind it. */
function header(size: number, number: number): Uint8Array {
  const start = [137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82];
  const bytes = new Uint8Array(34);
  bytes.set([...start, 0, 0, 0, size, 0, 0, 0, size, 8, 2]);
  bytes[33] = number;
  return bytes;
}

const SHORT = { splits: 2, epochs: 12, samples: "32", rescore: 8, rescoreDraws: 2, vote: 6 };
let cpu: Cpu<ExtraExports>;
let table: Table;
let run: Run;
beforeAll(async () => {
  registerPlotWindow();
  cpu = await Cpu.openExtra();
  table = await spots();
  run = await fit(table, { target: "class", ...SHORT });
});

describe("fit on images", () => {
  test("takes the preset for images, unless another is asked for", async () => {
    const { options, data } = run.result;
    expect(options).toMatchObject({ preset: "images", components: 64, rank: 32, start: "rows" });
    expect(data).toMatchObject({
      image: { width: SIZE, height: SIZE, channels: 3 },
      classes: ["common", "rare"],
      counts: [60, 20],
      columns: 3 * SIZE * SIZE - 3,
    });
    const plain = await fit(table, { target: "class", ...SHORT, epochs: 1, preset: "default" });
    expect(plain.result.options).toMatchObject({ preset: "default", components: 0, start: "random" });
    expect(plain.model.state.generator.width).toBe(3 * SIZE * SIZE - 3 + 2);
  });

  test("finds where the classes differ, in columns and on maps", () => {
    for (const { importances, tree, test: scores } of run.result.splits) {
      expect(scores.makeit).toBeGreaterThan(0.8);
      const inSpot = ({ column }: { column: string }) => {
        const { channel, y, x } = pixelOf(column)!;
        return channel === "r" && isSpot(y, x);
      };
      expect(importances).toHaveLength(3 * SIZE * SIZE - 3);
      const shares = importances.filter(inSpot).reduce((sum, { impurity }) => sum + impurity, 0);
      expect(shares).toBeGreaterThan(0.5); // 4 of 105 columns
      const missed = [...importances].sort((a, b) => b.permutation - a.permutation)[0];
      const { channel, y, x } = pixelOf(missed.column)!;
      expect(channel).toBe("r");
      expect(Math.abs(y - 1.5) < 2 && Math.abs(x - 3.5) < 2).toBe(true); // shuffled with its neighbours
      expect(tree.image).toEqual({ width: SIZE, height: SIZE });
      const { condition, pixel } = tree.nodes[0];
      expect(condition).toMatch(/^r_[12]_[34] ≤ 0\.\d+$/);
      expect(isSpot(pixel!.y, pixel!.x)).toBe(true);
    }
  });

  test("is the same twice", async () => {
    const again = await fit(await spots(), { target: "class", ...SHORT });
    const plain = (result: unknown) => JSON.stringify(result).replace(/"seconds":[\d.]+/g, "");
    expect(plain(again.result)).toBe(plain(run.result));
    expect(again.model.toBytes()).toEqual(run.model.toBytes());
  });

  test("generates images of its classes: within a byte, the corner white, the spot where it belongs", async () => {
    const { synthetic } = run;
    expect(synthetic.image).toEqual(table.image);
    const label = synthetic.columns.at(-1)!;
    const means = [0, 0];
    const counts = [0, 0];
    for (let row = 0; row < synthetic.rows; row++) {
      const { data } = imageFromRow(cpu, synthetic, row);
      expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
      const at = 3 * (SIZE + 3);
      means[label.codes![row]] += data[at] - data[at + 1]; // red over green in the spot
      counts[label.codes![row]]++;
    }
    expect(means[1] / counts[1] - means[0] / counts[0]).toBeGreaterThan(25); // 60 in the real ones
  });
});

describe("the model of images", () => {
  test("keeps shape and components in its file, and samples images", async () => {
    const copy = Model.fromBytes(run.model.toBytes());
    expect(copy.state).toEqual(run.model.state);
    expect(copy.encoder.image).toEqual(table.image);
    const [a, b] = [
      await sample(copy, { counts: { rare: 5 } }),
      await sample(run.model, { counts: { rare: 5 } }),
    ];
    expect(a).toEqual(b);
    expect(imageFromRow(cpu, a, 4)).toMatchObject({ width: SIZE, height: SIZE });
  });

  test("is refused where its components are damaged", () => {
    const { state, settings } = run.model;
    const components = state.encoder.components!;
    const withComponents = (change: Partial<typeof components>) =>
      new Model(
        { ...state, encoder: { ...state.encoder, components: { ...components, ...change } } },
        settings,
      );
    const broken = { scale: components.scale.map(() => 0) };
    const model = withComponents(broken); // what is in memory is not checked
    expect(() => Model.fromBytes(model.toBytes(), "m")).toThrow(
      /m is not a whole makeit model: its components/,
    );
  });
});

describe("what is shown of images", () => {
  test("contact sheets hold real images as they are, PNG that others read", () => {
    const { images } = run.result.splits[0];
    expect(images).toMatchObject({ width: SIZE, height: SIZE });
    expect(images!.classes.map(({ name, real }) => [name, real])).toEqual([
      ["common", 30],
      ["rare", 10],
    ]);
    for (const { sheet, mean, generated } of images!.classes) {
      expect(generated).toBeGreaterThan(0);
      for (const { png, width, height, right } of [sheet, mean]) {
        expect(png).toMatch(/^data:image\/png;base64,/);
        expect(decode(pngBytes(png))).toMatchObject({ width, height, channels: 3, depth: 8 });
        expect(right).toBeGreaterThan(0);
        expect(right).toBeLessThan(width);
      }
    }
    const { sheet } = images!.classes[1];
    const { data } = decode(pngBytes(sheet.png));
    const zoom = 8; // 48 pixels an image
    const labels = table.columns.at(-1)!;
    const shown = Array.from({ length: SIZE * SIZE }, (_, i) => {
      const at = (Math.floor(i / SIZE) * zoom * sheet.width + (i % SIZE) * zoom) * 3;
      return [...data.subarray(at, at + 3)];
    });
    const rows = Array.from({ length: table.rows }, (_, row) => row).filter(
      (row) => labels.codes![row] === 1,
    );
    const pictures = rows.map((row) => imageFromRow(cpu, table, row).data);
    expect(pictures.some((picture) => shown.flat().every((byte, i) => byte === picture[i]))).toBe(true);
  });

  test("every picture is drawn, in the report too, which may show its own PNG and nothing else", () => {
    const { result } = run;
    const { metric, data } = result;
    const pictures = splitPictures(result.splits[0], { metric, image: data.image });
    const drawn = Object.fromEntries(pictures.map(({ name, draw }) => [name, draw()]));
    expect(Object.keys(drawn)).toEqual([
      "images",
      "tree",
      "importance",
      "curves",
      "embedding",
      "distributions",
    ]);
    expect(drawn.images.match(/<image [^>]*href="data:image\/png/g)).toHaveLength(4);
    expect(drawn.tree).toContain("red in row");
    expect(drawn.distributions).toContain("mean red");
    expect(drawn.distributions).not.toContain("r_0_");
    expect(drawImportancesOf(result)).toContain("standard deviation over splits");
    const html = renderReport(result);
    expect(html).toContain("img-src data:");
    expect(html).toContain("80 images of 6 × 6 pixels");
    expect(html).toContain("makeit fit spots --target class --seed 1 --size 6x6 --preset images");
    expect(html).not.toMatch(/NaN|undefined/);
  });

  test("names with markup stay text", () => {
    const sheet = { png: "data:image/png;base64,", width: 10, height: 10, right: 5 };
    const svg = drawImages({
      width: 2,
      height: 2,
      classes: [{ name: "<script>&\"'", real: 1, generated: 0, sheet, mean: sheet }],
    });
    expect(svg).toContain("&lt;script&gt;&amp;");
    expect(svg).not.toContain("<script");
    expect(drawImages({ width: 2, height: 2, classes: [] })).toContain("Nothing to draw");
  });

  test("maps of pixels: a cell for each number that is not nothing, grey where there is none", () => {
    const map = (values: number[][]) =>
      drawPixels({
        title: "t",
        subtitle: "s",
        width: 2,
        height: 1,
        channels: ["a", "b"],
        rows: [{ title: "r", values }],
      });
    const svg = map([
      [1, 0],
      [-0.5, Number.NaN],
    ]);
    // Both of channel a's darkest, half a vermilion, none for 0, grey for NaN; in the sum .5 and 0.
    expect(svg.match(/<path/g)).toHaveLength(4);
    expect(svg).toContain("a, darkest 1");
    expect(svg).toContain("sum, darkest 0.5");
    expect(
      map([
        [0, 0],
        [0, 0],
      ]),
    ).not.toContain("<path");
  });

  test("importances refurled: white where largest, black where nothing, channel by channel and their sum", () => {
    const one = (column: string, impurity: number) => ({ column, impurity, permutation: -impurity });
    const importances = [one("r_0_0", 0.5), one("b_0_1", 0.25)];
    const sheet = importanceSheet(cpu, importances, { width: 2, height: 1, channels: 3 });
    const zoom = 96;
    const at = (block: number, x: number, row = 0) => {
      const left = block * (2 * zoom + 8) + x * zoom;
      const from = 3 * (row * (zoom + 8) * sheet.width + left);
      return [...sheet.data.subarray(from, from + 3)];
    };
    expect([at(0, 0), at(0, 1)]).toEqual([
      [255, 0, 0],
      [0, 0, 128],
    ]);
    expect([at(1, 0), at(1, 1), at(2, 0), at(3, 1)]).toEqual([
      [255, 255, 255],
      [0, 0, 0],
      [0, 0, 0],
      [128, 128, 128],
    ]);
    expect([at(4, 0), at(4, 1)]).toEqual([
      [255, 255, 255],
      [128, 128, 128],
    ]);
    expect(at(0, 0, 1)).toEqual([0, 0, 0]); // below nothing is black
    expect(importanceSheet(cpu, [], { width: 2, height: 1, channels: 1 })).toMatchObject({ width: 192 });
  });

  test("a sheet of blocks: each image where it belongs, white between", () => {
    const picture = (level: number): Picture => ({ width: 1, height: 1, data: Uint8Array.of(level) });
    const sheet = contactSheet([[picture(1), picture(2), picture(3)], [picture(4)]], {
      columns: 2,
      zoom: 1,
      gap: 1,
      blockGap: 2,
    });
    expect(sheet).toMatchObject({ width: 8, height: 3, blocks: [0, 5] });
    const grey = Array.from({ length: 24 }, (_, i) => sheet.data[3 * i]);
    const w = 255;
    expect(grey).toEqual([1, w, 2, w, w, 4, w, w, w, w, w, w, w, w, w, w, 3, w, w, w, w, w, w, w]);
  });
});

test("a generator that starts from rows varies as they do, with the labels that go with them", async () => {
  const { x, y, classes } = toy(2, 400);
  const backend = await WasmBackend.open();
  const shape = { sets: 64, rows: 32, width: x.cols + classes, rank: 16, noise: 32 };
  const random = new Random(5);
  const generator = new Generator(backend, shape, adam(0), random);
  startFrom(generator, { x, y }, random);
  const spread = (values: number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      mean,
      sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length),
    };
  };
  const noise = Float32Array.from({ length: 64 * 32 }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random.uniform();
    return sum;
  });
  backend.write(generator.z, noise);
  backend.submit(generator.forward);
  const made = await backend.read(generator.y);
  const column = (j: number) => Array.from({ length: made.length / 4 }, (_, i) => made[4 * i + j]);
  for (const j of [0, 1]) {
    const real = spread(Array.from({ length: x.rows }, (_, i) => x.data[i * x.cols + j]));
    const { mean, sd } = spread(column(j));
    expect(Math.abs(mean)).toBeLessThan(0.3);
    expect(sd / Math.hypot(real.sd, real.mean)).toBeGreaterThan(0.6);
    expect(sd / Math.hypot(real.sd, real.mean)).toBeLessThan(1.4);
  }
  // The class lies 2 along the second feature: rows called so are higher there.
  const called = column(1).map((value, i) => ({ value, one: column(3)[i] > column(2)[i] }));
  const mean = (one: boolean) =>
    spread(called.filter((row) => row.one === one).map(({ value }) => value)).mean;
  expect(mean(true)).toBeGreaterThan(mean(false) + 0.2);
});
