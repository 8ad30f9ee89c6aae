import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import { type Picture, pixelNames, refurl, unfurl } from "../sdk/image.ts";
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
      fc.property(size, size, layout, fc.nat(), (width, height, layout, seed) => {
        const picture = noise(width, height, 3, seed);
        const shape = { width, height, layout };
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
      /48 bytes .* 5 × 4, expected 60 \(RGB\) or 80/,
    );
    expect(() => unfurl(cpu, { ...picture, data: picture.data.subarray(32) }, picture)).toThrow(/16 bytes/);
    expect(() => unfurl(cpu, picture, { width: 0, height: 2 })).toThrow(/0 × 2 pixels/);
    expect(() => unfurl(cpu, picture, { width: 1.5, height: 2 })).toThrow(/1.5 × 2 pixels/);
    expect(() => refurl(cpu, [1, 2], { width: 1, height: 1 })).toThrow(/2 numbers .* expected 3/);
    expect(() => pixelNames({ width: 1, height: 1, layout: "rgb" as "planar" })).toThrow(/"rgb"/);
  });
});
