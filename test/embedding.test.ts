import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { embedPlane } from "../sdk/embedding.ts";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import { type Matrix, matrix } from "../sdk/matrix.ts";
import { uniform } from "./fixtures/run.ts";

let cpu: Cpu<ExtraExports>;
beforeAll(async () => {
  cpu = await Cpu.openExtra();
});

const fill = (rows: number, cols: number, value: (row: number, col: number) => number): Matrix => {
  const x = matrix(rows, cols);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) x.data[i * cols + j] = value(i, j);
  return x;
};

/** `clusters` groups of `each` rows, `apart` standard deviations from each other. */
function clustered(clusters: number, each: number, cols: number, apart: number): Matrix {
  const random = uniform(3);
  const normal = () => (random() + random() + random() + random() - 2) * Math.sqrt(3);
  return fill(
    clusters * each,
    cols,
    (i, j) => normal() + (j % clusters === Math.floor(i / each) ? apart : 0),
  );
}

/** The share of points whose nearest other point is of their own cluster. */
function purity(x: number[], y: number[], each: number): number {
  const same = x.filter((_, i) => {
    const distance = x.map((_, j) => (i === j ? Infinity : (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2));
    const nearest = distance.indexOf(Math.min(...distance));
    return Math.floor(nearest / each) === Math.floor(i / each);
  });
  return same.length / x.length;
}

describe("PCA", () => {
  const golden: {
    rows: number;
    cols: number;
    data: number[];
    x: number[];
    y: number[];
    explained: number[];
  }[] = JSON.parse(readFileSync(new URL("golden/pca.json", import.meta.url), "utf8"));

  test.each(golden)("$rows × $cols agrees with NumPy's SVD", ({ rows, cols, data, x, y, explained }) => {
    const plane = embedPlane(cpu, { data: Float32Array.from(data), rows, cols }, { method: "pca" });
    // Both are float64; iteration stops at a residual of 1e-9 of the eigenvalue.
    const tolerance = 1e-7 * Math.max(...x.map(Math.abs));
    x.forEach((value, i) => {
      expect(Math.abs(plane.x[i] - value)).toBeLessThan(tolerance);
      expect(Math.abs(plane.y[i] - y[i])).toBeLessThan(tolerance);
    });
    explained.forEach((share, i) => {
      expect(plane.explained?.[i]).toBeCloseTo(share, 12);
    });
  });

  test("constant columns and equal rows have no extent", () => {
    const plane = embedPlane(
      cpu,
      fill(7, 3, (_, j) => j),
      { method: "pca" },
    );
    expect(plane).toEqual({ x: Array(7).fill(0), y: Array(7).fill(0), explained: [0, 0] });
  });

  test("one to three rows", () => {
    expect(
      embedPlane(
        cpu,
        fill(1, 4, (_, j) => j),
        { method: "pca" },
      ).x,
    ).toEqual([0]);
    const two = embedPlane(
      cpu,
      fill(2, 2, (i) => 3 * i),
      { method: "pca" },
    );
    expect(Math.abs(two.x[1] - two.x[0])).toBeCloseTo(Math.sqrt(18), 12);
    expect(two.y.map(Math.abs).every((value) => value < 1e-12)).toBe(true);
    const three = embedPlane(
      cpu,
      fill(3, 2, (i, j) => Number(i === j + 1)),
      { method: "pca" },
    );
    expect(three.explained![0] + three.explained![1]).toBeCloseTo(1, 12);
  });
});

describe("t-SNE", () => {
  test("keeps well separated clusters apart and is the same twice", () => {
    const x = clustered(4, 50, 8, 8);
    const first = embedPlane(cpu, x, { method: "tsne", seed: 5 });
    expect(purity(first.x, first.y, 50)).toBe(1);
    expect(embedPlane(cpu, x, { method: "tsne", seed: 5 })).toEqual(first);
    expect(embedPlane(cpu, x, { method: "tsne", seed: 6 }).x).not.toEqual(first.x);
  });

  test("lowers the divergence", () => {
    const x = clustered(3, 40, 5, 4);
    const after = (iterations: number) => embedPlane(cpu, x, { method: "tsne", iterations }).divergence!;
    const [none, few, many] = [after(0), after(100), after(500)];
    expect(few).toBeLessThan(0.6 * none);
    expect(many).toBeLessThan(few);
  });

  test("affinities are those of the definition", () => {
    const [rows, cols, perplexity] = [33, 4, 7];
    const x = clustered(3, 11, cols, 2);
    const mark = cpu.mark();
    const [z, p] = [cpu.alloc(4 * rows * cols), cpu.alloc(4 * rows * 36)];
    cpu.f32(z, rows * cols).set(x.data);
    cpu.exports.tsne_affinities(z, p, rows, cols, perplexity);
    const got = cpu.f32(p, rows * 36);
    const want = referenceAffinities(x, perplexity);
    // f32 exponentials (1e-7) and an entropy within 1e-5 move an affinity by less than 1e-4 of the largest.
    const tolerance = 1e-4 * Math.max(...want.flat());
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) expect(Math.abs(got[i * 36 + j] - want[i][j])).toBeLessThan(tolerance);
    }
    expect(got.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    cpu.reset(mark);
  });

  test("a step follows the gradient of the divergence", () => {
    const [rows, stride] = [13, 16];
    const x = clustered(1, rows, 4, 0);
    const mark = cpu.mark();
    const [z, p] = [cpu.alloc(4 * rows * 4), cpu.alloc(4 * rows * stride)];
    const [y, velocity, gain, pull, push] = Array.from({ length: 5 }, () => cpu.alloc(8 * stride));
    cpu.f32(z, rows * 4).set(x.data);
    cpu.exports.tsne_affinities(z, p, rows, 4, 4);
    cpu.exports.normal(y, 2 * stride, 0, 1, 1, 0, 0);
    const start = cpu.f32(y, 2 * stride).slice();
    const differences = gradientByDifferences(y, p, rows, stride);
    cpu.f32(gain, 2 * stride).fill(1);
    const rate = 1e-3;
    cpu.exports.tsne_step(y, p, velocity, gain, pull, push, rows, 1, rate, 0);
    const [speed, gains] = [cpu.f32(velocity, 2 * stride), cpu.f32(gain, 2 * stride)];
    const largest = Math.max(...differences.map(Math.abs));
    expect(largest).toBeGreaterThan(0.01);
    differences.forEach((slope, k) => {
      const at = k < rows ? k : stride + k - rows;
      // Central differences of step 2⁻⁶ err by about 2⁻¹² of the third derivative.
      expect(Math.abs(-speed[at] / (rate * gains[at]) - slope)).toBeLessThan(2e-3 * largest);
    });
    expect(start).not.toEqual(cpu.f32(y, 2 * stride));
    cpu.reset(mark);
  });

  test.each([1, 2, 3, 4, 5, 17])("%i rows have finite places", (rows) => {
    for (const perplexity of [1, 30]) {
      const plane = embedPlane(cpu, clustered(1, rows, 3, 0), { method: "tsne", perplexity });
      expect(plane.x).toHaveLength(rows);
      expect([...plane.x, ...plane.y].every((value) => Math.abs(value) < 1e4)).toBe(true);
    }
  });

  test("equal rows, constant columns and huge values have finite places", () => {
    const random = uniform(1);
    const tables = [
      fill(40, 3, () => 7),
      fill(60, 4, (i, j) => (i % 3) * (j + 1)),
      fill(50, 5, (_, j) => (j === 2 ? 1 : random())),
      fill(50, 2, () => 1e18 * random()),
      fill(50, 2, (i) => (i === 0 ? 1e6 : random())),
    ];
    for (const x of tables) {
      const plane = embedPlane(cpu, x, { method: "tsne", iterations: 300 });
      expect([...plane.x, ...plane.y].every((value) => Math.abs(value) < 1e4)).toBe(true);
      expect(plane.divergence).toBeGreaterThan(-1e-6);
    }
  });

  test("leaves the engine's memory as it was", () => {
    const before = cpu.mark();
    embedPlane(cpu, clustered(2, 20, 3, 3), { method: "tsne", iterations: 5 });
    expect(cpu.mark()).toBe(before);
  });
});

test("refuses what it cannot place", () => {
  const x = fill(3, 2, (i, j) => (i === 1 && j === 1 ? Number.NaN : 0));
  expect(() => embedPlane(cpu, x, { method: "pca" })).toThrow(/row 1, feature 1 is NaN/);
  expect(() => embedPlane(cpu, matrix(50_000, 1), { method: "tsne" })).toThrow(/50000 rows .* 9.3 GiB/);
  expect(embedPlane(cpu, matrix(0, 2), { method: "pca" }).x).toEqual([]);
});

/** (p_j|i + p_i|j) / 2n with each row's entropy log(perplexity), in f64. */
function referenceAffinities({ data, rows, cols }: Matrix, perplexity: number): number[][] {
  const squared = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < cols; k++) sum += (data[i * cols + k] - data[j * cols + k]) ** 2;
    return sum;
  };
  const row = (i: number, beta: number) => {
    const weights = Array.from({ length: rows }, (_, j) => (j === i ? 0 : Math.exp(-beta * squared(i, j))));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  };
  const entropy = (p: number[]) =>
    -p.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0);
  const conditional = Array.from({ length: rows }, (_, i) => {
    let [low, high] = [1e-6, 1e6];
    for (let round = 0; round < 200; round++) {
      const beta = Math.sqrt(low * high);
      if (entropy(row(i, beta)) > Math.log(perplexity)) low = beta;
      else high = beta;
    }
    return row(i, low);
  });
  return conditional.map((p, i) => p.map((value, j) => (value + conditional[j][i]) / (2 * rows)));
}

/** dKL/dy by central differences, x coordinates then y coordinates. */
function gradientByDifferences(y: number, p: number, rows: number, stride: number): number[] {
  const places = cpu.f32(y, 2 * stride);
  const divergence = () => cpu.exports.tsne_divergence(y, p, rows);
  return Array.from({ length: 2 * rows }, (_, k) => {
    const at = k < rows ? k : stride + k - rows;
    const from = places[at];
    places[at] = from + 2 ** -6;
    const [above, high] = [divergence(), places[at]];
    places[at] = from - 2 ** -6;
    const [below, low] = [divergence(), places[at]];
    places[at] = from;
    return (above - below) / (high - low);
  });
}
