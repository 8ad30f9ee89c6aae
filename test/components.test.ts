import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Matrix, takeRows } from "../sdk/matrix.ts";
import { Random } from "../sdk/random.ts";
import { Components } from "../sdk/table/components.ts";
import { Encoder } from "../sdk/table/encoder.ts";
import { readTable } from "../sdk/table/read.ts";
import { cellText } from "../sdk/table/table.ts";
import { gaussian, matrixOf } from "./data.ts";

interface Golden {
  cases: { rows: number; cols: number; count: number; data: number[]; sd: number[]; scores: number[] }[];
}
const golden: Golden = JSON.parse(readFileSync("test/golden/components.json", "utf8"));

const distance = (x: Matrix, a: number, b: number) => {
  let sum = 0;
  for (let j = 0; j < x.cols; j++) sum += (x.data[a * x.cols + j] - x.data[b * x.cols + j]) ** 2;
  return Math.sqrt(sum);
};

/** Rows of `rank` hidden numbers each, the first the most spread, seen through `cols` features. */
function hidden(rows: number, cols: number, rank: number, seed = 1): Matrix {
  const random = new Random(seed);
  const mixing = matrixOf(rank, cols, () => gaussian(random));
  const scores = matrixOf(rows, rank, (_, k) => gaussian(random) * 0.8 ** k);
  return matrixOf(rows, cols, (i, j) => {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += scores.data[i * rank + k] * mixing.data[k * cols + j];
    return sum;
  });
}

describe("components", () => {
  test.each(golden.cases)("$count of $rows × $cols agree with NumPy's SVD", (one) => {
    const { rows, cols, count } = one;
    const x = matrixOf(rows, cols, (i, j) => one.data[i * cols + j]);
    const components = Components.fit(x, count);
    const { scale } = components.state;
    const z = components.project(x);
    expect(z).toMatchObject({ rows, cols: count });
    const largest = one.sd[0];
    for (let k = 0; k < count; k++) {
      // What a component is divided by: the geometric mean of its deviation and the first one's. It is an f32, and three
      // passes bring the last of them to about a part in 10⁵.
      expect(Math.abs(scale[k] / Math.sqrt(one.sd[k] * largest) - 1), `scale ${k}`).toBeLessThan(2e-5);
      for (let i = 0; i < rows; i++) {
        const score = Math.abs(z.data[i * count + k] * scale[k]);
        expect(Math.abs(score - one.scores[i * count + k]), `row ${i}, component ${k}`).toBeLessThan(
          0.01 * largest,
        );
      }
    }
  });

  test("the basis is orthonormal; what is left out is what the components lack", () => {
    const x = hidden(120, 50, 30);
    const components = Components.fit(x, 10);
    const { basis, count, features } = components.state;
    for (let a = 0; a < count; a++) {
      for (let b = 0; b <= a; b++) {
        let dot = 0;
        for (let j = 0; j < features; j++) dot += basis[a * features + j] * basis[b * features + j];
        expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThan(1e-6);
      }
    }
    // Restoring is the nearest point of the plane: what is lost is at right angles to it, so projecting again loses nothing.
    const z = components.project(x);
    const again = components.project(components.restore(z));
    z.data.forEach((value, i) => {
      expect(Math.abs(again.data[i] - value)).toBeLessThan(1e-4);
    });
  });

  test("as many components as there are directions lose nothing and keep distances", () => {
    const x = hidden(80, 60, 12);
    const components = Components.fit(x, 40);
    expect(components.state.count).toBe(12); // no more than there are
    const z = components.project(x);
    const { scale } = components.state;
    const unscaled = matrixOf(z.rows, z.cols, (i, k) => z.data[i * z.cols + k] * scale[k]);
    const restored = components.restore(z);
    x.data.forEach((value, i) => {
      expect(Math.abs(restored.data[i] - value)).toBeLessThan(1e-4);
    });
    for (let i = 1; i < 20; i++) {
      expect(Math.abs(distance(unscaled, 0, i) - distance(x, 0, i))).toBeLessThan(1e-4);
    }
  });

  test("moving a feature is projecting the moved row", () => {
    const x = hidden(40, 30, 20);
    const components = Components.fit(x, 9);
    const z = components.project(x);
    const moved: Matrix = { ...x, data: x.data.slice() };
    moved.data[3 * 30 + 7] += 0.75;
    moved.data[3 * 30 + 8] -= 1.5;
    components.move(z, 3, 7, 0.75);
    components.move(z, 3, 8, -1.5);
    components.project(moved).data.forEach((value, i) => {
      expect(Math.abs(z.data[i] - value)).toBeLessThan(1e-5);
    });
  });

  test("the same twice, and hardly another where many rows are thinned out", () => {
    const x = hidden(5000, 20, 8);
    const components = Components.fit(x, 4);
    expect(Components.fit(x, 4).state).toEqual(components.state);
    const half = Components.fit(
      takeRows(
        x,
        Array.from({ length: 2500 }, (_, i) => 2 * i),
      ),
      4,
    );
    half.state.scale.forEach((value, k) => {
      expect(Math.abs(value / components.state.scale[k] - 1)).toBeLessThan(0.05);
    });
  });
});

describe("an encoder with components", () => {
  const random = new Random(4);
  const lines = Array.from({ length: 60 }, (_, i) => {
    const [a, b] = [gaussian(random), gaussian(random)];
    const numbers = [a, b, a + b, a - b, 2 * a + 0.1 * gaussian(random)].map((value) => value.toFixed(2));
    return [...numbers, a > 0 ? "red" : "blue", i % 4 === 0 ? "yes" : "no"].join(",");
  });
  const text = `a,b,sum,difference,twice,colour,rare\n${lines.join("\n")}\n`;
  const options = { target: "rare" };

  test("turns columns of any kind into a few features and back", async () => {
    const table = await readTable(text, { categorical: ["colour"] });
    const encoder = Encoder.fit(table, { ...options, components: 5 });
    expect(encoder.width).toBe(5);
    expect(encoder.features.map(({ kind }) => kind)).toEqual(Array(5).fill("numeric"));
    expect(encoder.columns).toEqual(["a", "b", "sum", "difference", "twice", "colour"]);
    const x = encoder.encode(table);
    const back = encoder.decode(x, encoder.labels(table));
    // Six columns of three independent numbers and a category: five components hold all but noise.
    for (const [j, column] of back.columns.entries()) {
      const real = table.columns[j];
      for (let row = 0; row < table.rows; row++) {
        if (column.values) expect(Math.abs(column.values[row] - real.values![row])).toBeLessThan(0.06);
        else expect(cellText(column, row)).toBe(cellText(real, row));
      }
    }
  });

  test("snaps to rows of the plain encoder, which tells them in the columns' units", async () => {
    const table = await readTable(text, { categorical: ["colour"] });
    const encoder = Encoder.fit(table, { ...options, components: 3 });
    const { plain } = encoder;
    expect(plain.toJSON()).toEqual(Encoder.fit(table, options).toJSON());
    const wild = matrixOf(20, 3, () => 2 * gaussian(random));
    const snapped = encoder.snap(wild);
    const cells = plain.encode(encoder.decode(wild));
    expect(snapped).toMatchObject({ rows: 20, cols: plain.width });
    snapped.data.forEach((value, i) => {
      expect(Math.abs(value - cells.data[i])).toBeLessThan(1e-6);
    });
    expect(() => encoder.describe(0, 1)).toThrow(/component has no units/);
    expect(plain.describe(0, 0).left).toMatch(/^a ≤ /);
  });

  test("is read back from its state, and needs standardised columns", async () => {
    const table = await readTable(text, { categorical: ["colour"] });
    const encoder = Encoder.fit(table, { ...options, components: 3 });
    const copy = Encoder.fromJSON(structuredClone(encoder.toJSON()));
    expect(copy.encode(table)).toEqual(encoder.encode(table));
    expect(Encoder.fit(table, { ...options, components: 3, scale: false }).components).toBeUndefined();
    const state = encoder.toJSON();
    const other = {
      ...state,
      components: { ...state.components!, features: 4, basis: new Float32Array(12) },
    };
    expect(() => Encoder.fromJSON(other)).toThrow(/those of other columns/);
  });
});
