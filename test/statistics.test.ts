import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chiSquaredCdf,
  chiSquaredTail,
  fTail,
  logGamma,
  normalCdf,
  studentTCdf,
  studentTTwoSided,
} from "../sdk/distributions.ts";
import {
  compare,
  friedman,
  holm,
  ksDistance,
  mean,
  meanRanks,
  pearson,
  quantile,
  ranks,
  sd,
  spearman,
  wilcoxonSignedRank,
} from "../sdk/statistics.ts";
import golden from "./golden/statistics.json" with { type: "json" };

/** SciPy's value to 1e-12 relative (1e-10 far out in a tail, where exp and log lose digits). */
function close(got: number, want: number, relative = 1e-12) {
  expect(Math.abs(got - want), `got ${got}, want ${want}`).toBeLessThanOrEqual(
    relative * Math.abs(want) + 1e-300,
  );
}

describe("distributions agree with SciPy", () => {
  test("ln Γ", () => {
    for (const [x, want] of golden.logGamma)
      expect(Math.abs(logGamma(x) - want)).toBeLessThan(1e-13 * (1 + want));
  });
  test("normal", () => {
    for (const [z, want] of golden.normalCdf) close(normalCdf(z), want);
  });
  test("chi squared", () => {
    for (const [x, df, want] of golden.chiSquaredCdf) close(chiSquaredCdf(x, df), want, 1e-10);
    for (const [x, df, want] of golden.chiSquaredTail) close(chiSquaredTail(x, df), want, 1e-10);
  });
  test("Student's t", () => {
    for (const [t, df, want] of golden.studentTCdf) close(studentTCdf(t, df), want, 1e-10);
    close(studentTTwoSided(-2.1, 4), 2 * studentTCdf(-2.1, 4));
  });
  test("F", () => {
    for (const [f, df1, df2, want] of golden.fTail) close(fTail(f, df1, df2), want, 1e-10);
  });
});

describe("descriptions", () => {
  test("mean, sd, quantiles, ranks", () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(mean([])).toBeNaN();
    close(sd([2, 4, 4, 4, 5, 5, 7, 9]), Math.sqrt(32 / 7));
    expect(sd([3])).toBe(0);
    expect([...ranks([10, 30, 10, 20])]).toEqual([1.5, 4, 1.5, 3]);
    for (const [q, want] of golden.quantile.at) close(quantile(golden.quantile.values, q), want);
  });

  test("correlations", () => {
    const { a, b, tiedA, tiedB } = golden.correlation;
    close(pearson(a, b), golden.correlation.pearson);
    close(spearman(a, b), golden.correlation.spearman);
    close(spearman(tiedA, tiedB), golden.correlation.tiedSpearman);
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNaN();
  });

  test("Kolmogorov–Smirnov", () => {
    for (const { a, b, distance } of golden.ks) close(ksDistance(a, b), distance);
    expect(ksDistance([1, 2], [3, 4])).toBe(1);
    expect(ksDistance([1, 2, 2], [2, 1, 2])).toBe(0);
  });

  test("Kolmogorov–Smirnov with weights is that of rows repeated", () => {
    const { a, b } = golden.ks[0];
    const weights = a.map((_, i) => i % 4);
    const repeated = a.flatMap((value, i) => Array<number>(weights[i]).fill(value));
    close(ksDistance(a, b, weights), ksDistance(repeated, b));
  });
});

describe("wilcoxonSignedRank", () => {
  test("agrees with SciPy: exact, exact under ties and zeros, normal beyond 50", () => {
    for (const { differences, statistic, p } of golden.wilcoxon) {
      const found = wilcoxonSignedRank(differences);
      close(found.statistic, statistic);
      close(found.p, p, 1e-11);
    }
  });

  test("counts sign patterns", () => {
    const pattern = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(pattern, (differences) => {
        const sizes = differences.filter((d) => d !== 0).map(Math.abs);
        const rank = ranks(sizes);
        const sum = (bits: number) => rank.reduce((s, r, i) => s + ((bits >> i) & 1 ? r : 0), 0);
        const total = rank.reduce((s, r) => s + r, 0);
        const { statistic, p } = wilcoxonSignedRank(differences);
        let count = 0;
        for (let bits = 0; bits < 1 << sizes.length; bits++) if (sum(bits) <= statistic) count++;
        const want = sizes.length === 0 ? 1 : Math.min(1, (2 * count) / 2 ** sizes.length);
        expect(statistic).toBeLessThanOrEqual(total / 2);
        close(p, want);
      }),
    );
  });

  test("no difference at all", () => {
    expect(wilcoxonSignedRank([0, 0])).toEqual({ statistic: 0, p: 1, n: 0 });
  });
});

describe("many methods over many data sets", () => {
  test("Friedman, Iman–Davenport and mean ranks agree with SciPy", () => {
    for (const { scores, chiSquared, p, f, pF, meanRanks: want } of golden.friedman) {
      const found = friedman(scores);
      close(found.chiSquared, chiSquared);
      close(found.p, p, 1e-10);
      close(found.f, f);
      close(found.pF, pF, 1e-10);
      meanRanks(scores).forEach((rank, i) => {
        close(rank, want[i]);
      });
    }
  });

  test("Friedman at its ends: all alike, and one order throughout", () => {
    expect(
      friedman([
        [1, 1],
        [2, 2],
      ]),
    ).toEqual({ chiSquared: 0, p: 1, f: 0, pF: 1 });
    const unanimous = friedman([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    expect(unanimous.f).toBe(Number.POSITIVE_INFINITY);
    expect(unanimous.pF).toBe(0);
    expect(
      meanRanks([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ).toEqual([3, 2, 1]);
  });

  test("Holm steps down and keeps the order", () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((want, i) => {
      close(adjusted[i], want);
    });
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});

describe("compare", () => {
  test("is the corrected resampled t-test", () => {
    for (const { differences, trainShare, p } of golden.correctedT) {
      const found = compare(differences, { trainShare });
      close(found.p, p, 1e-10);
      close(found.difference, mean(differences));
      expect(found.wins).toBe(differences.filter((d) => d > 0).length);
    }
  });

  test("is more careful than the plain t-test", () => {
    const differences = [0.02, 0.05, 0.01, 0.06, 0.03];
    const plain = mean(differences) / (sd(differences) / Math.sqrt(5));
    expect(compare(differences, { trainShare: 0.8 }).p).toBeGreaterThan(studentTTwoSided(plain, 4));
  });

  test("without spread or with one split", () => {
    expect(compare([0.1], { trainShare: 0.8 })).toEqual({ difference: 0.1, wins: 1, p: 1 });
    expect(compare([0, 0, 0], { trainShare: 0.8 })).toEqual({ difference: 0, wins: 0, p: 1 });
    expect(compare([0.25, 0.25], { trainShare: 0.5 })).toEqual({ difference: 0.25, wins: 2, p: 0 });
  });
});
