import { Resvg } from "@resvg/resvg-js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  drawCurves,
  drawDistributions,
  drawEmbedding,
  drawHeatmap,
  drawImportance,
  drawMethods,
  drawPareto,
  drawReliability,
  drawTree,
} from "../sdk/plots/index.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import {
  clean,
  formatCount,
  formatFixed,
  formatNumber,
  formatPercent,
  shorten,
  textWidth,
  wrap,
} from "../sdk/plots/text.ts";
import {
  BIRD_COLUMNS,
  makeCurves,
  makeDistributions,
  makeEmbedding,
  makeImportances,
  makeTree,
} from "./fixtures/run.ts";

beforeAll(registerPlotWindow);

const ELEMENTS = new Set(["svg", "title", "g", "rect", "path", "circle", "text"]);
const ATTRIBUTES = new Set(
  `xmlns width height viewBox role aria-label font-family font-size font-weight text-anchor transform x y cx cy r rx d
   fill fill-opacity stroke stroke-width stroke-dasharray stroke-linecap stroke-linejoin paint-order`.split(
    /\s+/,
  ),
);

/** The elements and attributes of an SVG: fails on markup that is not well-formed or not of the plots' own making. */
function checkPicture(svg: string): void {
  // resvg refuses what is not well-formed XML 1.0.
  const { width, height } = new Resvg(svg, { font: { loadSystemFonts: false } });
  expect(width).toBeGreaterThan(0);
  expect(height).toBeGreaterThan(0);
  for (const [, name, attributes] of svg.matchAll(/<([a-zA-Z][\w:-]*)((?:\s+[\w:-]+="[^"]*")*)\s*\/?>/g)) {
    expect(ELEMENTS).toContain(name);
    for (const [, key, value] of attributes.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      expect(ATTRIBUTES).toContain(key);
      if (key !== "aria-label") expect(value).not.toMatch(/NaN|Infinity|undefined|null|\[object/);
    }
  }
  expect(svg.match(/<[^/]/g)).toHaveLength(
    [...svg.matchAll(/<[a-zA-Z][\w:-]*(?:\s+[\w:-]+="[^"]*")*\s*\/?>/g)].length,
  );
}

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text);

/** Every picture of a made-up run with these names. */
function allPictures(columns: string[], classes: string[], metric: string): string[] {
  const importances = makeImportances(columns);
  const values = importances.map(({ impurity, permutation }) => [impurity, permutation]);
  return [
    drawTree(makeTree({ depth: 4, classes, conditions: columns.map((column) => `${column} ≤ 12.5`) })),
    drawImportance(importances, { metric }),
    drawCurves({ ...makeCurves(30), metric }),
    drawEmbedding(makeEmbedding(classes, 60)),
    drawDistributions(makeDistributions(columns)),
    drawHeatmap({ columns, splits: classes, panels: [{ title: metric, values }] }),
    drawMethods({
      metric,
      greaterIsBetter: true,
      methods: classes.map((name, i) => ({ name, values: [i, 1], mean: i })),
    }),
    drawReliability({ of: classes[0], panels: classes.map((title) => ({ title, ...RELIABILITY })) }),
    drawPareto({ metric, greaterIsBetter: true, measures: columns, points: tradePoints(columns.length) }),
  ];
}

const RELIABILITY = {
  brier: 0.1,
  ece: 0.02,
  bins: [
    { rows: 90, predicted: 0.1, observed: 0.05 },
    { rows: 10, predicted: 0.8, observed: 1 },
  ],
};

const tradePoints = (measures: number) =>
  [0, 0.25, 16].map((lambda, i) => {
    return { lambda, score: 0.5 - 0.1 * i, measures: Array(measures).fill(0.4 - 0.1 * i) };
  });

describe("every picture", () => {
  test("is well-formed, shows the real names, and is the same twice", () => {
    const pictures = allPictures(["Speed", "Size"], ["minor", "major"], "f1");
    for (const svg of pictures) checkPicture(svg);
    expect(allPictures(["Speed", "Size"], ["minor", "major"], "f1")).toEqual(pictures);
    const [tree, importance, curves, embedding, distributions, heatmap, methods] = pictures.map(texts);
    expect(tree).toEqual(
      expect.arrayContaining(["minor", "major", "True", "False", "class = minor", "samples = 1,020"]),
    );
    for (const names of [importance, distributions, heatmap])
      expect(names).toEqual(expect.arrayContaining(["Speed", "Size"]));
    expect(curves).toEqual(
      expect.arrayContaining(["f1", "epoch", "stopped after epoch 30: patience ran out"]),
    );
    expect(embedding).toEqual(
      expect.arrayContaining(["PCA", "t-SNE", "t-SNE 1", "minor", "major", "real", "synthetic"]),
    );
    expect(methods).toEqual(expect.arrayContaining(["minor", "major", "f1"]));
    const [reliability, pareto] = pictures.slice(7).map(texts);
    expect(reliability).toEqual(
      expect.arrayContaining(["minor: Brier 0.100, calibration error 0.020", "share that is minor"]),
    );
    expect(pareto).toEqual(expect.arrayContaining(["Speed", "Size", "λ 0", "λ 0.25", "λ 16", "f1"]));
  });

  test.each([
    ["a script", "<script>alert(1)</script>"],
    ["a way out of its element", "</text><script>alert(1)</script>"],
    ["a way out of its attribute", `" onload="alert(1)`],
    ["XML's own marks", "' & &amp; &#x3c; ]]> <!-- -- <![CDATA[ <?xml"],
    ["characters XML cannot hold", "a\u0000b\u0007c\u001f\u007f\u0085\ud800\ufffe\uffff"],
    ["direction overrides", "\u202eright-to-left\u2066 override"],
    ["line breaks and tabs", "line\nbreak\ttab\r\n"],
    ["many scripts", "🦅🦆 中文 العربية ʬ"],
    ["a URL and templates", "javascript:alert(1) {{x}} %s"],
    ["nothing", ""],
    ["a space", " "],
    ["5,000 letters", "x".repeat(5000)],
  ])("holds %s as text and nothing else", (_, name) => {
    for (const svg of allPictures([name, `${name}2`], [name, `${name}3`], name)) checkPicture(svg);
  });

  test("λ that another beats in closeness and score are rings, the others discs", () => {
    const point = (lambda: number, score: number, measure: number) => ({
      lambda,
      score,
      measures: [measure],
    });
    const points = [point(0, 0.6, 0.4), point(1, 0.5, 0.45), point(4, 0.55, 0.2)];
    const fills = (greaterIsBetter: boolean) => {
      const svg = drawPareto({ metric: "m", greaterIsBetter, measures: ["a"], points });
      return [...svg.matchAll(/<circle[^>]*r="6" stroke-width="1.6" fill="([^"]*)"/g)].map(
        ([, fill]) => fill,
      );
    };
    expect(fills(true).map((fill) => fill === "#ffffff")).toEqual([false, true, false]);
    expect(fills(false).map((fill) => fill === "#ffffff")).toEqual([true, false, false]);
  });

  test("survives any name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (name) => {
        checkPicture(drawImportance([{ column: name, impurity: 1, permutation: 0.1 }], { metric: name }));
      }),
      { numRuns: 80 },
    );
  });

  test("says so when there is nothing to draw", () => {
    const nothing = [
      drawTree({ criterion: "gini", classes: [], nodes: [] }),
      drawImportance([], { metric: "f1" }),
      drawCurves({ ...makeCurves(0), stopped: { epoch: 0, reason: "interrupted" } }),
      drawEmbedding({ classes: ["a"], panels: [] }),
      drawDistributions({ columns: [] }),
      drawHeatmap({ columns: [], splits: [], panels: [] }),
      drawMethods({ metric: "f1", greaterIsBetter: true, methods: [] }),
      drawReliability({ of: "yes", panels: [] }),
      drawPareto({ metric: "f1", greaterIsBetter: true, measures: ["a"], points: [] }),
    ];
    for (const svg of nothing) {
      checkPicture(svg);
      expect(texts(svg).join()).toContain("Nothing to draw");
    }
  });

  test("never writes a coordinate that is not a number", () => {
    const odd = fc.oneof(
      fc.double(),
      fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1e308, -1e308, 1e149, 5e-324, 1e-320, 0.1),
    );
    const list = fc.array(odd, { maxLength: 6 });
    fc.assert(
      fc.property(list, list, list, list, odd, (a, b, c, d, one) => {
        const columns = a.map((impurity, i) => ({
          column: `c${i}`,
          impurity,
          permutation: b[i] ?? one,
          impuritySd: c[i],
        }));
        const nodes = [
          { condition: "x ≤ 1", impurity: one, samples: one, value: a, class: 0, left: 1, right: 2 },
          { condition: null, impurity: one, samples: b[0] ?? 1, value: b, class: 0, left: -1, right: -1 },
          { condition: null, impurity: one, samples: c[0] ?? 1, value: c, class: 1, left: -1, right: -1 },
        ];
        const panel = {
          title: "PCA",
          axes: ["1", "2"] as [string, string],
          x: a,
          y: b,
          class: a.map(() => 0),
          synthetic: a,
        };
        const named = [a, b, c].map((values, i) => ({ name: `m${i}`, values, mean: d[i] ?? one }));
        const curves = { metric: "f1", mean: a, best: b, max: c, criticLoss: d, discriminatorLoss: a };
        const column = { name: "c", kind: "histogram" as const, edges: a, real: b, synthetic: c };
        const pictures = [
          drawImportance(columns, { metric: "f1" }),
          drawTree({ criterion: "entropy", classes: ["u", "v"], nodes }),
          drawEmbedding({ classes: ["u"], panels: [panel] }),
          drawMethods({ metric: "log_loss", greaterIsBetter: false, methods: named }),
          drawCurves({ ...curves, stopped: { epoch: one, reason: "diverged" } }),
          drawDistributions({ columns: [column, { ...column, kind: "bars", labels: a.map(String) }] }),
          drawHeatmap({
            columns: a.map(String),
            splits: ["1", "2"],
            panels: [{ title: "impurity", values: [b, c] }],
          }),
        ];
        for (const svg of pictures) checkPicture(svg);
      }),
      { numRuns: 80 },
    );
  });
});

describe("tree", () => {
  /** The boxes of a tree: large rounded rectangles other than the card. */
  const boxes = (svg: string) =>
    [...svg.matchAll(/<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)" rx="5"/g)].map(
      (match) => match.slice(1).map(Number),
    );

  test("shows 16 leaves at 1200 px without overlap", () => {
    const classes = Array.from({ length: 10 }, (_, i) => `A class with a long name, number ${i}`);
    const svg = drawTree(makeTree({ depth: 4, classes }));
    expect(svg).toContain('width="1200"');
    const all = boxes(svg);
    expect(all).toHaveLength(31);
    for (const [i, [x, y, width, height]] of all.entries()) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual(1200);
      for (const [x2, y2, width2, height2] of all.slice(i + 1)) {
        expect(x + width <= x2 || x2 + width2 <= x || y + height <= y2 || y2 + height2 <= y).toBe(true);
      }
    }
  });

  test("draws a single leaf without branches", () => {
    const svg = drawTree(makeTree({ depth: 0, classes: ["a", "b"] }));
    expect(boxes(svg)).toHaveLength(1);
    expect(texts(svg)).not.toContain("True");
  });

  test("puts the branch where the condition holds at the left", () => {
    const leaf = (value: number[], index: number) => ({
      condition: null,
      impurity: 0,
      samples: 1,
      value,
      class: index,
      left: -1,
      right: -1,
    });
    const root = {
      condition: "x ≤ 1",
      impurity: 0.5,
      samples: 2,
      value: [1, 1],
      class: 0,
      left: 2,
      right: 1,
    };
    const svg = drawTree({
      criterion: "gini",
      classes: ["no", "yes"],
      nodes: [root, leaf([1, 0], 0), leaf([0, 1], 1)],
    });
    const at = (text: string) => Number(svg.match(new RegExp(`<text x="([\\d.]+)"[^>]*>${text}<`))?.[1]);
    expect(at("class = yes")).toBeLessThan(at("class = no"));
    expect(at("True")).toBeLessThan(at("False"));
  });
});

describe("other pictures", () => {
  test("importance shows the top 20 and counts the rest", () => {
    const columns = Array.from({ length: 50 }, (_, i) => `column ${i}`);
    const shown = texts(drawImportance(makeImportances(columns), { metric: "f1" }));
    expect(shown.filter((text) => text.startsWith("column "))).toHaveLength(20);
    expect(shown.some((text) => text.startsWith("and 30 more columns"))).toBe(true);
  });

  test("one epoch is a point, not an empty line", () => {
    const svg = drawCurves({ ...makeCurves(1), stopped: { epoch: 1, reason: "interrupted" } });
    checkPicture(svg);
    expect(svg.match(/<circle/g)).toHaveLength(5);
    expect(texts(svg)).toContain("stopped after epoch 1: interrupted");
  });

  test("an embedding holds one mark a row", () => {
    const svg = drawEmbedding(makeEmbedding(["a", "b"], 100));
    const marks = [...svg.matchAll(/<path d="([^"]*)"/g)].reduce(
      (sum, [, d]) => sum + d.split("z").length - 1,
      0,
    );
    expect(marks).toBe(200);
  });

  test("methods marks the best mean, whichever way the metric goes", () => {
    const methods = ["none", "smote"].map((name, i) => ({ name, values: [i + 1, i + 2], mean: i + 1.5 }));
    const bold = (greaterIsBetter: boolean) =>
      drawMethods({ metric: "m", greaterIsBetter, methods }).match(
        /font-size="14"[^>]*font-weight="600"[^>]*>([^<]*)/,
      )?.[1];
    expect(bold(true)).toBe("smote");
    expect(bold(false)).toBe("none");
  });

  test("fifty columns fit every picture", () => {
    const columns = Array.from({ length: 50 }, (_, i) => `${BIRD_COLUMNS[i % 10]} with a longer name ${i}`);
    for (const svg of allPictures(columns, ["a", "b"], "f1")) checkPicture(svg);
  });
});

describe("text", () => {
  test("shortened text fits and keeps both ends", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), fc.integer({ min: 40, max: 200 }), (text, width) => {
        const short = shorten(text, width, 12);
        expect(short === text || textWidth(short, 12) <= width).toBe(true);
      }),
    );
    expect(shorten("measurement_left_mm", 90, 12)).toMatch(/^measu.*…l?.*mm$/);
  });

  test("wrapping keeps every letter", () => {
    expect(wrap("Height above ground (ft)", 110, 12, 2)).toEqual(["Height above", "ground (ft)"]);
    expect(wrap("petal_length_in_cm", 80, 12, 3).join("")).toBe("petal_length_in_cm");
    expect(wrap("a b c d", 1, 12, 2)).toEqual(["a", "b c d"]);
  });

  test("numbers are written as people do", () => {
    expect([0.25, -3, 1234567, 1e-9, Number.NaN, -Infinity].map((value) => formatNumber(value))).toEqual([
      "0.25",
      "−3",
      "1235000",
      "1e−9",
      "–",
      "−∞",
    ]);
    expect([1234567, 2.5, 999, 0.04].map(formatCount)).toEqual(["1,234,567", "2.5", "999", "0"]);
    expect([formatFixed(-0.0001, 3), formatFixed(-1234.5, 1)]).toEqual(["0.000", "−1,234.5"]);
    expect([0.031, 0.4, 1].map(formatPercent)).toEqual(["3.1 %", "40 %", "100 %"]);
  });

  test("clean text is one line that XML can hold", () => {
    expect(clean(" a\n\tb\u0000\ud800\u202e ")).toBe("a b\ufffd\ufffd");
  });
});
