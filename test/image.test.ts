import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import { imageFromRow, type Picture, pixelNames, pixelOf, refurl, unfurl } from "../sdk/image.ts";
import type { Table } from "../sdk/table/table.ts";
import { uniform } from "./fixtures/run.ts";

let cpu: Cpu<ExtraExports>;
beforeAll(async () => {
  cpu = await Cpu.openExtra();
});

const noise = (width: number, height: number, channels: number, seed = 1): Picture => {
  const random = uniform(seed);
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * channels }, () => 256 * random()),
  };
};
const size = fc.integer({ min: 1, max: 9 });
const layout = fc.constantFrom("interleaved" as const, "planar" as const);
const channels = fc.constantFrom(1 as const, 3 as const);

interface Golden {
  cases: { from: number[]; to: number[]; method: string; bytes: string; row: number[] }[];
}
const golden: Golden = JSON.parse(readFileSync("test/golden/images.json", "utf8"));

/** The mean over the area of output pixel (x, y) of channel c, on white, by summing a fine grid of both sizes. */
function areaMean(
  { width, height, data }: Picture,
  x: number,
  y: number,
  c: number,
  w: number,
  h: number,
): number {
  const channels = data.length / (width * height);
  let sum = 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < height; j++) {
      // Sub-pixel (x · width + i) of width · w lies in source column ⌊· / w⌋.
      const at = (Math.floor((y * height + j) / h) * width + Math.floor((x * width + i) / w)) * channels;
      const alpha = channels === 4 ? data[at + 3] / 255 : 1;
      sum += data[at + c] * alpha + 255 * (1 - alpha);
    }
  }
  return sum / (width * height * 255);
}

describe("unfurl and refurl", () => {
  test("are inverse at the same size, byte for byte", () => {
    fc.assert(
      fc.property(size, size, channels, layout, fc.nat(), (width, height, channels, layout, seed) => {
        const picture = noise(width, height, channels, seed);
        const shape = { width, height, channels, layout };
        expect(refurl(cpu, unfurl(cpu, picture, shape), shape)).toEqual(picture);
      }),
    );
    const every: Picture = {
      width: 16,
      height: 16,
      data: Uint8Array.from({ length: 768 }, (_, i) => i % 256),
    };
    const row = unfurl(cpu, every, every);
    row.forEach((value, i) => {
      expect(value).toBe(Math.fround((i % 256) / 255));
    });
  });

  test("are inverse when standardised, whatever the mean and deviation", () => {
    const moment = (min: number, max: number) =>
      fc.array(fc.double({ min, max, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(
        size,
        size,
        layout,
        moment(-2, 2),
        moment(0.01, 2),
        fc.nat(),
        (width, height, layout, mean, sd, seed) => {
          const picture = noise(width, height, 3, seed);
          const shape = { width, height, layout };
          const row = unfurl(cpu, picture, shape, { mean, sd });
          expect(refurl(cpu, row, shape, { mean, sd })).toEqual(picture);
        },
      ),
    );
  });

  test("standardising is (v − mean) / sd, channel by channel, resized or not", () => {
    const picture = noise(6, 4, 4);
    const [mean, sd] = [
      [0.1, 0.5, 0.9],
      [0.5, 0.25, 2],
    ];
    for (const shape of [
      { width: 6, height: 4 },
      { width: 3, height: 2 },
    ]) {
      const plain = unfurl(cpu, picture, shape);
      const standardised = unfurl(cpu, picture, shape, { mean, sd });
      plain.forEach((value, i) => {
        expect(Math.abs(standardised[i] - (value - mean[i % 3]) / sd[i % 3])).toBeLessThan(1e-6);
      });
      const one = unfurl(cpu, picture, shape, { mean: 0.5, sd: 0.5 });
      plain.forEach((value, i) => {
        expect(Math.abs(one[i] - (value - 0.5) / 0.5)).toBeLessThan(1e-6);
      });
    }
  });

  test("resized images are Pillow's and NumPy's, to half a unit of the last place of an f32", () => {
    expect(golden.cases.map(({ method }) => method)).toContain("pillow");
    for (const { from, to, method, bytes, row } of golden.cases) {
      const [width, height, count] = from;
      const data = Uint8Array.from(Buffer.from(bytes, "base64"));
      const shape = { width: to[0], height: to[1], channels: count === 1 ? (1 as const) : (3 as const) };
      const ours = unfurl(cpu, { width, height, data }, shape);
      expect(ours).toHaveLength(row.length);
      // NumPy's are f64, ours the nearest f32 (half a unit is 2⁻²⁵); Pillow sums in doubles and stores f32.
      const tolerance = method === "pillow" ? 1.2e-7 : 3e-8;
      ours.forEach((value, i) => {
        expect(Math.abs(value - row[i]), `${from} to ${to}, value ${i}`).toBeLessThanOrEqual(tolerance);
      });
    }
  });

  test("grey becomes three equal channels, colour its luma", () => {
    const grey = noise(5, 4, 1);
    const row = unfurl(cpu, grey, { width: 5, height: 4 });
    grey.data.forEach((byte, i) => {
      for (const c of [0, 1, 2]) expect(row[3 * i + c]).toBe(Math.fround(byte / 255));
    });
    const colour = noise(5, 4, 3);
    const luma = unfurl(cpu, colour, { width: 5, height: 4, channels: 1 });
    luma.forEach((value, i) => {
      const [r, g, b] = colour.data.subarray(3 * i);
      expect(Math.abs(value - (0.299 * r + 0.587 * g + 0.114 * b) / 255)).toBeLessThan(1e-7);
    });
  });

  test("a photograph's worth of pixels loses nothing", () => {
    // Alternating 0 and 255: sums of 2²² pixels that f32 could not hold.
    const picture: Picture = { width: 2048, height: 2048, data: new Uint8Array(3 * 2048 * 2048) };
    picture.data.forEach((_, i) => {
      picture.data[i] = Math.floor(i / 3) % 2 === 0 ? 0 : 255;
    });
    for (const value of unfurl(cpu, picture, { width: 3, height: 3 })) {
      expect(Math.abs(value - 0.5)).toBeLessThan(1e-3); // an odd column more or less at a border
    }
    expect([...unfurl(cpu, picture, { width: 2, height: 2 })]).toEqual(Array(12).fill(0.5));
  });

  test("a resized pixel is the mean of the area it covers, on white", () => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        fc.constantFrom(3, 4),
        layout,
        (width, height, w, h, channels, layout) => {
          const picture = noise(width, height, channels, width + 10 * height);
          const row = unfurl(cpu, picture, { width: w, height: h, layout });
          for (let y = 0; y < h; y++) {
            for (let x = 0; x < w; x++) {
              for (let c = 0; c < 3; c++) {
                const at = layout === "planar" ? (c * h + y) * w + x : (y * w + x) * 3 + c;
                // Sums of at most 81 f32 terms in [0, 1].
                expect(Math.abs(row[at] - areaMean(picture, x, y, c, w, h))).toBeLessThan(2e-6);
              }
            }
          }
        },
      ),
    );
  });

  test("alpha shows the background", () => {
    const picture = { width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 0, 10, 20, 30, 255) };
    const row = unfurl(cpu, picture, { width: 2, height: 1 }, { background: [0, 128, 255] });
    expect([...row].map((value) => Math.round(value * 255))).toEqual([0, 128, 255, 10, 20, 30]);
  });

  test("refurling holds values within a byte", () => {
    const row = [-1, 2, Number.NaN, Infinity, -Infinity, 0.5];
    expect([...refurl(cpu, row, { width: 2, height: 1 }).data]).toEqual([0, 255, 0, 255, 0, 128]);
  });

  test("names follow the layout", () => {
    const shape = { width: 2, height: 1 };
    expect(pixelNames(shape)).toEqual(["r_0_0", "g_0_0", "b_0_0", "r_0_1", "g_0_1", "b_0_1"]);
    expect(pixelNames({ ...shape, layout: "planar" })).toEqual([
      "r_0_0",
      "r_0_1",
      "g_0_0",
      "g_0_1",
      "b_0_0",
      "b_0_1",
    ]);
    const picture = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    const planar = unfurl(cpu, picture, { ...shape, layout: "planar" });
    expect([...planar].map((value) => Math.round(value * 255))).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test("leave the engine's memory as it was", () => {
    const before = cpu.mark();
    refurl(cpu, unfurl(cpu, noise(30, 20, 4), { width: 8, height: 8 }), { width: 8, height: 8 });
    expect(cpu.mark()).toBe(before);
  });

  test("sizes that do not fit are refused by name", () => {
    const picture = noise(4, 4, 3);
    expect(() => unfurl(cpu, { ...picture, width: 5 }, picture)).toThrow(
      /48 bytes .* 5 × 4, expected 20 \(grey\), 60 \(RGB\) or 80/,
    );
    expect(() => unfurl(cpu, { ...picture, data: picture.data.subarray(31) }, picture)).toThrow(/17 bytes/);
    expect(() => unfurl(cpu, picture, { width: 0, height: 2 })).toThrow(/0 × 2 pixels/);
    expect(() => unfurl(cpu, picture, { width: 1.5, height: 2 })).toThrow(/1.5 × 2 pixels/);
    expect(() => refurl(cpu, [1, 2], { width: 1, height: 1 })).toThrow(/2 numbers .* expected 3/);
    expect(() => pixelNames({ width: 1, height: 1, layout: "rgb" as "planar" })).toThrow(/"rgb"/);
    expect(() => pixelNames({ width: 1, height: 1, channels: 4 as 3 })).toThrow(/4 channels/);
    expect(() => unfurl(cpu, picture, picture, { sd: 0 })).toThrow(/sd is 0/);
    expect(() => unfurl(cpu, picture, picture, { mean: [1, 2] })).toThrow(/mean is \[1,2\]/);
    expect(() => unfurl(cpu, picture, picture, { background: [0, 0, 256] })).toThrow(
      /background is \[0,0,256\]/,
    );
  });

  test("names say where their pixel is", () => {
    fc.assert(
      fc.property(size, size, channels, layout, (width, height, channels, layout) => {
        const names = pixelNames({ width, height, channels, layout });
        expect(new Set(names).size).toBe(width * height * channels);
        for (const name of names) {
          const { channel, y, x } = pixelOf(name)!;
          expect(`${channel}_${y}_${x}`).toBe(name);
          expect(y < height && x < width).toBe(true);
        }
      }),
    );
    expect(pixelOf("weight")).toBeUndefined();
    expect(pixelOf("r_1")).toBeUndefined();
  });

  test("an image comes out of a row, whatever the order of its columns", () => {
    const values = [0, 51, 102, 153, 204, 255];
    const names = pixelNames({ width: 1, height: 2 });
    const columns = names.map((name, j) => ({
      name,
      role: "numeric" as const,
      values: Float64Array.of(0.5, values[j] / 255),
      format: {},
      missing: 0,
    }));
    const table: Table = {
      name: "two",
      rows: 2,
      columns: columns.reverse(),
      image: { width: 1, height: 2, channels: 3 },
      warnings: [],
    };
    expect([...imageFromRow(cpu, table, 1).data]).toEqual(values);
    expect(() => imageFromRow(cpu, table, 2)).toThrow(/no row 2/);
    expect(() => imageFromRow(cpu, { ...table, image: undefined }, 0)).toThrow(/holds no images/);
    expect(() => imageFromRow(cpu, { ...table, columns: columns.slice(1) }, 0)).toThrow(/no column/);
  });
});
