import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Cpu } from "../sdk/engine/module.ts";
import { derive, philox, Random } from "../sdk/random.ts";

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("philox", () => {
  // The known answers that Random123 publishes for philox4x32-10.
  const ones = 0xffffffff;
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ones, ones, ones, ones],
      [ones, ones],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("counter %j, key %j", (counter, [k0, k1], words) => {
    expect([...philox(counter, k0, k1)]).toEqual(words);
  });

  test("agrees with 64-bit integers", () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), word, word, (counter, k0, k1) => {
        expect([...philox(counter, k0, k1)]).toEqual(bigPhilox(counter, k0, k1));
      }),
    );
  });
});

/** The same in arbitrary precision. */
function bigPhilox(counter: number[], k0: number, k1: number): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt);
  for (let round = 0n; round < 10n; round++) {
    const a = 0xd2511f53n * c0;
    const b = 0xcd9e8d57n * c2;
    const key0 = (BigInt(k0) + round * 0x9e3779b9n) & mask;
    const key1 = (BigInt(k1) + round * 0xbb67ae85n) & mask;
    [c0, c1, c2, c3] = [(b >> 32n) ^ c1 ^ key0, b & mask, (a >> 32n) ^ c3 ^ key1, a & mask];
  }
  return [c0, c1, c2, c3].map(Number);
}

describe("fills of the engine", () => {
  let cpu: Cpu;
  beforeAll(async () => {
    cpu = await Cpu.open();
  });

  /** n numbers that a fill wrote, with the four bytes beyond them, which must stay 0. */
  function filled(n: number, fill: (address: number) => void): Float32Array {
    const start = cpu.mark();
    const address = cpu.alloc(4 * (n + 1));
    fill(address);
    const all = cpu.f32(address, n + 1).slice();
    cpu.reset(start);
    expect(all[n]).toBe(0);
    return all.subarray(0, n);
  }

  test.each([1, 3, 4, 5, 15, 16, 17, 65, 1000])("bits are those of Random, %i of them", (n) => {
    const bits = filled(n, (at) => cpu.exports.bits(at, n, 7, 9, 0));
    const random = new Random(7, 9);
    expect([...new Uint32Array(bits.buffer, 0, n)]).toEqual(Array.from({ length: n }, () => random.bits()));
  });

  test("bits of a step are Philox blocks", () => {
    const bits = filled(8, (at) => cpu.exports.bits(at, 8, 2 ** 32 - 1, 2 ** 31, 3_000_000_000));
    const block = (n: number) => [...philox([n, 3_000_000_000, 0, 0], 2 ** 32 - 1, 2 ** 31)];
    expect([...new Uint32Array(bits.buffer, 0, 8)]).toEqual([...block(0), ...block(1)]);
  });

  test.each([1, 5, 17, 65])("uniform takes the upper 24 bits, %i of them", (n) => {
    const random = new Random(7, 9);
    const expected = Array.from({ length: n }, () => Math.floor(random.uniform() * 2 ** 24) / 2 ** 24);
    expect([...filled(n, (at) => cpu.exports.uniform(at, n, 7, 9, 0))]).toEqual(expected);
  });

  test.each([1, 2, 5, 17, 65])("normal is the Box-Muller transform, %i of them", (n) => {
    const got = filled(n, (at) => cpu.exports.normal(at, n, 2, 3, 7, 9, 4));
    for (let i = 0; i < n; i++) {
      const words = philox([Math.floor(i / 4), 4, 0, 1], 7, 9);
      const pair = i % 4 < 2 ? 0 : 2;
      const r = Math.sqrt(-2 * Math.log((words[pair] + 1) / 2 ** 32));
      const angle = (2 * Math.PI * words[pair + 1]) / 2 ** 32;
      const expected = 2 + 3 * r * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
      // one rounding to f32 of a value below 32
      expect(Math.abs(got[i] - expected)).toBeLessThan(2 ** -19);
    }
  });

  test("value i depends on seed, stream, step and i alone", () => {
    const long = filled(100, (at) => cpu.exports.normal(at, 100, 0, 1, 1, 2, 3));
    expect([...filled(33, (at) => cpu.exports.normal(at, 33, 0, 1, 1, 2, 3))]).toEqual([
      ...long.subarray(0, 33),
    ]);
    for (const [seed, stream, step] of [
      [2, 2, 3],
      [1, 3, 3],
      [1, 2, 4],
    ]) {
      const other = filled(100, (at) => cpu.exports.normal(at, 100, 0, 1, seed, stream, step));
      expect(other.filter((value, i) => value === long[i])).toHaveLength(0);
    }
  });

  test("a million normal values have the moments of N(0, 1)", () => {
    const n = 1_000_000;
    const x = filled(n, (at) => cpu.exports.normal(at, n, 0, 1, 5, 0, 0));
    const moment = (power: number) => x.reduce((sum, value) => sum + value ** power, 0) / n;
    // five standard errors: √(1, 2, 15, 96) / √n
    expect(Math.abs(moment(1))).toBeLessThan(0.005);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.0071);
    expect(Math.abs(moment(3))).toBeLessThan(0.0194);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.049);
    const neighbours = x.reduce((sum, value, i) => sum + (i > 0 ? value * x[i - 1] : 0), 0) / n;
    expect(Math.abs(neighbours)).toBeLessThan(0.005);
  });
});

describe("Random", () => {
  test("resumes from its state", () => {
    fc.assert(
      fc.property(word, fc.nat(50), (seed, drawn) => {
        const random = new Random(seed);
        for (let i = 0; i < drawn; i++) random.bits();
        const resumed = new Random(seed);
        resumed.state = random.state;
        expect(Array.from({ length: 9 }, () => resumed.bits())).toEqual(
          Array.from({ length: 9 }, () => random.bits()),
        );
      }),
    );
  });

  test("counts on beyond 2^34 draws", () => {
    const random = new Random(3, 4);
    random.state = 2 ** 34 + 5;
    expect(random.bits()).toBe(philox([1, 0, 1, 0], 3, 4)[1]);
  });

  test("integers are even over 0 … n − 1", () => {
    const random = new Random(1);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
    const chi2 = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chi2).toBeLessThan(22.46); // 99.9 % of χ² with 6 degrees of freedom
  });

  test("integers reject what would favour the lower ones", () => {
    // with n = 3 · 2³⁰ a quarter of the draws must be drawn again; without that, 0 … 2³⁰ − 1 would be twice as likely
    const random = new Random(1);
    const n = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 9000; i++) if (random.integer(n) < 2 ** 30) low++;
    expect(Math.abs(low - 3000)).toBeLessThan(5 * Math.sqrt(2000));
  });

  test("shuffle keeps the items and reaches every order evenly", () => {
    const random = new Random(2);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = random.shuffle([0, 1, 2, 3]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chi2 = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi2).toBeLessThan(49.73); // 99.9 % of χ² with 23 degrees of freedom
    expect([...random.shuffle(Int32Array.of(5, 5, 7))].sort()).toEqual([5, 5, 7]);
  });

  test("uniform stays in [0, 1)", () => {
    const random = new Random(9);
    let sum = 0;
    for (let i = 0; i < 10_000; i++) {
      const u = random.uniform();
      expect(u >= 0 && u < 1).toBe(true);
      sum += u / 10_000;
    }
    expect(Math.abs(sum - 0.5)).toBeLessThan(5 / Math.sqrt(12 * 10_000));
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 32])("says what a seed must be when given %d", (seed) => {
    expect(() => new Random(seed)).toThrow(/seed must be a whole number from 0 to 2\^32 − 1, got/);
    expect(() => derive(seed, 1)).toThrow(/seed must be a whole number/);
  });

  test.each([0, -3, 1.5, 2 ** 33])("says what an upper bound must be when given %d", (n) => {
    expect(() => new Random(1).integer(n)).toThrow(/upper bound of 1 to 2\^32, got/);
  });
});

test("derived seeds differ by seed, value, order and number of parts", () => {
  const seeds = [
    derive(1),
    derive(2),
    derive(1, 0),
    derive(1, 0, 0),
    derive(1, 1),
    derive(1, 1, 2),
    derive(1, 2, 1),
  ];
  for (let part = 2; part < 1000; part++) seeds.push(derive(1, part));
  expect(new Set(seeds).size).toBe(seeds.length);
  expect(derive(1, 2, 3)).toBe(derive(1, 2, 3));
});
