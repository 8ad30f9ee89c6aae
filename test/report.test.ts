import { beforeAll, describe, expect, test } from "vitest";
import { html } from "../sdk/html.ts";
import { resolveSettings } from "../sdk/options.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import { renderReport } from "../sdk/report.ts";
import type { RunResult } from "../sdk/result.ts";
import { makeRun } from "./fixtures/run.ts";

beforeAll(registerPlotWindow);

const TAG = /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*(\/?)>/g;
const VOID = new Set(["meta"]);
const ELEMENTS = new Set(
  `html head meta title style body header h1 h2 h3 p b nav ul li a main section span strong dl div dt dd table caption
   thead tbody tr th td small figure details summary pre code footer meter
   svg g rect path circle text`.split(/\s+/),
);

/** Every tag closed in order, of a known kind, without handlers, and nothing loaded from elsewhere. */
function checkPage(page: string): void {
  const body = page.replace(/^<!doctype html>\n/, "").replace(/<style>[^<]*<\/style>/, "");
  const open: string[] = [];
  let tags = 0;
  for (const [, closes, name, attributes, selfCloses] of body.matchAll(TAG)) {
    tags++;
    expect(ELEMENTS).toContain(name);
    for (const [, key, value] of attributes.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)) {
      expect(key).not.toMatch(/^(on.*|style|src|srcset|xlink:href|action|formaction)$/i);
      if (key === "href") expect(value).toMatch(/^#/);
    }
    if (closes) expect(open.pop()).toBe(name);
    else if (!selfCloses && !VOID.has(name)) open.push(name);
  }
  expect(open).toEqual([]);
  // Every "<" opens one of these tags.
  expect(body.match(/</g)).toHaveLength(tags);
  expect(page).toContain(
    `http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src`,
  );
  expect(page.match(/https?:[^"\s]*/g)?.every((url) => url === "http://www.w3.org/2000/svg")).toBe(true);
  const ids = [...body.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, to] of body.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(to);
}

const textOf = (page: string) =>
  page
    .replace(/<style>[^<]*<\/style>|<svg[\s\S]*?<\/svg>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, " ");

describe("the report", () => {
  test("is one well-formed page, the same twice, verdict before everything else", () => {
    const result = makeRun({ splits: 3 });
    const page = renderReport(result);
    checkPage(page);
    expect(renderReport(structuredClone(result))).toBe(page);
    const order = [
      "Makeit helps: f1 rises",
      "1 warning",
      "Held-out scores",
      "Classes of",
      "Use: held-out f1",
      "Fidelity, mean over",
      "Copies, mean over",
      "Each split",
      "Rules that recur",
      "Split 1",
      "Run it again",
    ];
    const places = order.map((text) => page.indexOf(text, page.indexOf("<main>")));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("holds every picture: the tree, just below it the importances, then the rest", () => {
    const page = renderReport(makeRun({ splits: 2 }));
    const titles = [...page.matchAll(/<svg[^>]*><title>([^<]*)/g)].map(([, title]) => title);
    const split = [
      "Decision tree of the generated rows",
      "Feature importances",
      "Learning curves",
      "Real and synthetic rows",
      "Distributions, real over synthetic",
    ];
    const across = ["Feature importances, mean over splits", "Importances across splits"];
    const all = ["Held-out f1 of each method", "Reliability of the probabilities"];
    expect(titles).toEqual([...all, ...across, ...split, ...split]);
  });

  test("tells what the recommendation goes by", () => {
    const result = makeRun({ splits: 3 });
    expect(textOf(renderReport(result))).toContain(
      "the synthetic data must lead by 0.025, half the standard",
    );
    const unknown = result.splits.map((split) => ({
      ...split,
      outOfFold: { ...split.outOfFold, none: null },
    }));
    expect(textOf(renderReport({ ...result, splits: unknown }))).toContain("too few to recommend anything");
    const ranked = { ...result, metric: "average_precision" };
    expect(textOf(renderReport(ranked))).toContain(
      "must be better than doing nothing by 0.050, its standard",
    );
  });

  test("shows mean ± sd of every method and marks the best of each column", () => {
    const result = makeRun({ splits: 3 });
    result.mean.metrics.smote.log_loss = { mean: 0.01, sd: 0.002 };
    const page = renderReport(result);
    const rows = [...page.matchAll(/<tr><th scope="row">([^<]*)<\/th>(.*?)<\/tr>/g)];
    const cells = (name: string) =>
      rows
        .find(([, heading]) => heading === name)![2]
        .split("<td>")
        .slice(1);
    const columns = [...page.matchAll(/<th scope="col">([\w ]+)<small>/g)].map(([, column]) => column);
    expect(columns).toEqual([
      "f1",
      "roc_auc",
      "average_precision",
      "balanced_accuracy",
      "log_loss",
      "f1",
      "f1",
    ]);
    const { mean, sd } = result.mean.metrics.makeit.f1;
    expect(cells("Makeit")[0]).toBe(
      `<strong>${mean.toFixed(3)}<small> ± ${sd.toFixed(3)}</small></strong></td>`,
    );
    expect(cells("SMOTE")[4]).toContain("<strong>0.010");
    expect(cells("Makeit")[4]).not.toContain("<strong>");
  });

  test("says so when a simple rival wins", () => {
    const result = makeRun({ splits: 3 });
    expect(textOf(renderReport(result))).toContain(
      `Makeit is the choice. Of all methods tried, Makeit has the best mean f1 on held-out rows (${result.mean.test.makeit.toFixed(3)}).`,
    );
    Object.assign(result.verdict, { best: "threshold", choice: "threshold" });
    result.mean.test.threshold = 0.7;
    expect(textOf(renderReport(result))).toContain(
      "Tuned threshold is the choice: tune the classifier's decision threshold. Of all methods tried, Tuned threshold has the best mean f1 on held-out rows (0.700).",
    );
  });

  test.each([
    ["a script", "<script>alert(1)</script>"],
    ["a way out of an attribute", '"><img src=x onerror=alert(1)>'],
    ["a handler", "' onmouseover='alert(1)"],
    ["a way out of everything open", "</style></svg></table><b>"],
    ["entities", "&lt;b&gt; &amp; ]]>"],
    ["a URL", "javascript:alert(1)"],
    ["control characters", "\u0000\u202eevil\u2066"],
    ["templates and escapes", "%s {{x}} \\n \\u003c"],
    ["300 letters", "x".repeat(300)],
    ["nothing", ""],
  ])("escapes %s wherever the user names something", (_, name) => {
    const result = makeRun({ splits: 2, classes: [name, `${name}2`], columns: [name, `${name}b`, "c"] });
    result.data = { ...result.data, name, target: name, positive: name };
    result.metric = name;
    for (const split of result.splits) for (const scores of Object.values(split.metrics)) scores[name] = 0.5;
    for (const metrics of Object.values(result.mean.metrics)) metrics[name] = { mean: 0.5, sd: 0.1 };
    result.options = { preset: name, [name]: name, metric: name, lambda: { [name]: [name] } };
    result.rules = [
      { conditions: [name, name], class: name, support: 0.1, confidence: 1, leaf: true, splits: [1, 2] },
    ];
    result.warnings = [name];
    result.verdict.sentence = name;
    result.version = name;
    result.engine = name;
    checkPage(renderReport(result));
  });

  test("survives report.json, where what is not a number is null", () => {
    const result = makeRun({ splits: 2 });
    result.mean.test.smote = Number.NaN;
    result.mean.metrics.smote.f1 = { mean: Number.NaN, sd: Number.NaN };
    result.splits[0].test.smote = Number.NaN;
    result.splits[1].curves.criticLoss[3] = Number.NaN;
    result.splits[1].importances[0].permutation = Number.NaN;
    result.verdict.p = Number.NaN;
    const page = renderReport(JSON.parse(JSON.stringify(result)) as RunResult);
    checkPage(page);
    expect(page).not.toMatch(/NaN|null|undefined/);
    expect(page).toBe(renderReport(result));
  });

  test.each([0, 1, 8])("reads well with %i splits", (splits) => {
    const result = makeRun({ splits: Math.max(splits, 1) });
    if (splits === 0) Object.assign(result, { splits: [], rules: [] });
    const page = renderReport(result);
    checkPage(page);
    expect(textOf(page)).toContain(`metric f1 , ${splits} split${splits === 1 ? "" : "s"}.`);
  });

  test("tells how to run it again, in words a shell takes", () => {
    const result = makeRun({ splits: 3 });
    result.options = {
      preset: "default",
      metric: "roc_auc",
      splits: 3,
      lambda: 1,
      epochs: 40,
      freshFolds: false,
      seed: 7,
      jobs: 2,
    };
    result.data = { ...result.data, name: "it's data.csv", target: "Cost Total $" };
    expect(textOf(renderReport(result))).toContain(
      `makeit fit 'it'\\''s data.csv' --target 'Cost Total $' --seed 7 --metric roc_auc --splits 3 --epochs 40 --no-fresh-folds `,
    );
    result.options = { preset: "default", rows: 50, skipBad: true, missing: "-9", drop: 'id,"a, b"' };
    expect(textOf(renderReport(result))).toContain(
      `--seed 7 --rows 50 --skip-bad --missing='-9' --drop 'id,"a, b"' `,
    );
    result.data = { ...result.data, name: "standard input" };
    expect(textOf(renderReport(result))).toContain("makeit fit - --target");
    result.options = { preset: "dragan", patience: 100, lambda: 0, objective: "synthetic" };
    expect(textOf(renderReport(result))).toContain("--seed 7 --preset dragan --patience 100 ");
    result.options = { preset: "default", objective: "synthetic", lambda: 0 };
    expect(textOf(renderReport(result))).toContain("--seed 7 --objective synthetic ");
    result.options = { preset: "default", classifier: "tree", cut: 1 };
    expect(textOf(renderReport(result))).toContain("--seed 7 --classifier tree ");
    result.options = { preset: "default", classifier: "tree", cut: 0.5 };
    expect(textOf(renderReport(result))).toContain("--classifier tree --cut 0.5 ");
    result.options = { preset: "default", metric: "g_mean", cut: 1 };
    expect(textOf(renderReport(result))).toContain("--seed 7 --metric g_mean ");
    result.options = { preset: "default", classifier: "tree", cut: 0.5 };
    const point = { score: 0.5, scoreSd: 0, distance: 0.1, correlation: 0.1, detection: 0.6 };
    const sweep = [0, 0.25].map((lambda) => ({ lambda, ...point })) as never;
    expect(textOf(renderReport({ ...result, sweep }))).toContain("--cut 0.5 --sweep-lambda 0,0.25 ");
  });

  test("the threshold goes half of the way; all of it with trees, and where each class weighs the same", () => {
    expect(resolveSettings({}).cut).toBe(0.5);
    expect(resolveSettings({ classifier: "tree" }).cut).toBe(1);
    expect(resolveSettings({ classifier: "forest" }).cut).toBe(1);
    expect(resolveSettings({ classifier: "forest", cut: 0.3 }).cut).toBe(0.3);
    expect(resolveSettings({ classifier: "tree", preset: "dragan" }).cut).toBe(0);
    expect(resolveSettings({ metric: "balanced_accuracy" }).cut).toBe(1);
    expect(resolveSettings({ metric: "g_mean" }).cut).toBe(1);
    expect(resolveSettings({ metric: "mcc" }).cut).toBe(0.5);
  });
});

test("a template escapes what is not HTML, and lists of it", () => {
  const inner = html`<b>${"<&>\"'"}</b>`;
  expect(inner.text).toBe("<b>&lt;&amp;&gt;&quot;&#39;</b>");
  expect(html`<p>${[inner, "<", 1]}</p>`.text).toBe(`<p>${inner.text}&lt;1</p>`);
});
