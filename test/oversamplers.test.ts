import { describe, expect, test } from "vitest";
import { adasyn, borderlineSmote, inDanger, shares } from "../bench/quality/oversamplers.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { Neighbours } from "../sdk/neighbours.ts";
import { Random } from "../sdk/random.ts";

import golden from "./golden/borderline.json" with { type: "json" };

const x: Matrix = { data: Float32Array.from(golden.x.flat()), rows: golden.x.length, cols: 2 };
const y = Int32Array.from(golden.y);
const rare = [...y.keys()].filter((row) => y[row] === 1);

describe("Borderline-SMOTE and ADASYN", () => {
  test("see the same rows in danger, and give the same shares, as imbalanced-learn", () => {
    const near = new Neighbours(x, []);
    expect(inDanger(near, y, rare)).toEqual(golden.danger);
    const counts = new Array<number>(rare.length).fill(0);
    for (const start of shares(near, y, rare, 60 - 14)) counts[start]++;
    expect(counts).toEqual(golden.shares);
  });

  test("keep the real rows, and balance the classes", () => {
    for (const oversample of [borderlineSmote, adasyn]) {
      const grown = oversample(x, y, 2, new Random(1));
      expect(grown.x.data.subarray(0, x.data.length)).toEqual(x.data);
      const positives = grown.y.reduce((sum, label) => sum + label, 0);
      // ADASYN rounds the share of each row.
      expect(Math.abs(positives - 60)).toBeLessThanOrEqual(oversample === adasyn ? rare.length / 2 : 0);
      expect(grown.x.data.every(Number.isFinite)).toBe(true);
    }
  });

  test("a class that borders on no other: nothing new from the first, equal shares from the second", () => {
    const far = { ...x, data: x.data.map((value, i) => (y[Math.floor(i / 2)] === 1 ? value + 100 : value)) };
    expect(borderlineSmote(far, y, 2, new Random(1)).x.rows).toBe(x.rows);
    expect(shares(new Neighbours(far, []), y, rare, 28)).toEqual(rare.flatMap((_, i) => [i, i]));
  });
});
