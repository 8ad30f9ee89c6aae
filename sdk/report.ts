/** A run as one HTML file: nothing to load, nothing to run, to be read in a browser, printed or mailed. */
import { command } from "./again.ts";
import { labelMetrics } from "./confusion.ts";
import {
  drawImportancesOf,
  drawMeanImportancesOf,
  drawMethodsOf,
  drawParetoOf,
  drawReliabilityOf,
  higherIsBetter,
  splitPictures,
} from "./drawings.ts";
import { Html, html, type Part } from "./html.ts";
import { OPTIONS, type Settings } from "./options.ts";
import { clean, formatCount, formatFixed, formatNumber, formatPercent } from "./plots/text.ts";
import { STYLE } from "./report.css.ts";
import {
  METHOD_NAMES,
  METHODS,
  type Method,
  type RunResult,
  type SplitResult,
  type Spread,
} from "./result.ts";
import { mean as average, type Interval } from "./statistics.ts";

const ADVICE: Record<Method, string> = {
  none: "leave the data as they are",
  weighted: "fit the classifier with balanced class weights",
  threshold: "tune the classifier's decision threshold",
  weightedThreshold: "fit the classifier with balanced class weights and tune its decision threshold",
  oversample: "repeat rows of the rare classes at random",
  smote: "oversample the rare classes with SMOTE",
  makeit: "train on the synthetic rows",
};

const REASONS: Record<SplitResult["stopped"]["reason"], string> = {
  epochs: "all epochs done",
  patience: "patience ran out",
  interrupted: "interrupted",
  diverged: "a loss was no longer finite",
  time: "time was up",
};

const OUTCOMES = { helps: "✓ Helps", same: "= No difference", hurts: "✗ Hurts" } as const;
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/**
 * The report of a run: verdict first, then methods, data, what holds across splits, each split's tree with its
 * importances, curves, rows in a plane and distributions, and how to run it again.
 * Needs a document to draw in, as the plots do. The same result gives the same text.
 */
export function renderReport(result: RunResult): string {
  const title = `Makeit report: ${clean(result.data.name)}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p>Target <b>${clean(result.data.target)}</b>, metric <b>${clean(result.metric)}</b>, ${counted(result.splits.length, "split")}. Every score below is of rows that training has not seen.</p>
</header>
${contents(result)}
<main>
${verdict(result)}
${warnings(result.warnings)}
${methods(result)}
${data(result)}
${evidence(result)}
${across(result)}
${result.splits.map((split, i) => splitSection(split, result, i === 0))}
${reproduce(result)}
</main>
<footer>Makeit ${result.version}</footer>
</body>
</html>
`;
  return page.text;
}

const counted = (count: number, noun: string) => `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
/** A score to three decimals; JSON writes what is not a number as null. */
const score = (value: number | null | undefined) => formatFixed(value ?? Number.NaN, 3);

function contents({ splits }: RunResult): Html {
  const links = splits.map(({ split }) => html`<li><a href="#split-${split}">Split ${split}</a></li>`);
  return html`<nav aria-label="Contents"><ul>
<li><a href="#verdict">Verdict</a></li><li><a href="#methods">Methods</a></li><li><a href="#data">Data</a></li>
<li><a href="#evidence">Evidence</a></li><li><a href="#across">Across splits</a></li>${links}<li><a href="#again">Run it again</a></li>
</ul></nav>`;
}

function verdict({ verdict, metric, mean }: RunResult): Html {
  const { outcome, best, choice, chosen, wins, splits, p } = verdict;
  const facts: [string, string][] = [
    [`${metric}, nothing done`, score(mean.test.none)],
    [`${metric}, Makeit`, score(mean.test.makeit)],
    [`${metric}, each split's own choice`, score(chosen)],
    ["splits in which Makeit was better", `${wins} of ${splits}`],
    ["p of the paired comparison", formatNumber(p ?? Number.NaN, 2)],
  ];
  const most = html`Of all methods tried, ${METHOD_NAMES[best]} has the best mean ${metric} on held-out rows (${score(mean.test[best])}).`;
  const how = choice === "makeit" ? html`` : html`: ${ADVICE[choice]}`;
  const advice = html`By the training rows alone, out of fold, <strong>${METHOD_NAMES[choice]}</strong> is the choice${how}. ${most}`;
  return html`<section id="verdict" class="verdict ${outcome}" aria-labelledby="verdict-title">
<h2 id="verdict-title"><span class="badge">${OUTCOMES[outcome]}</span></h2>
<p class="sentence">${clean(verdict.sentence)}</p>
<p>${advice}</p>
<dl class="facts">${facts.map(([term, value]) => html`<div><dt>${clean(term)}</dt><dd>${value}</dd></div>`)}</dl>
</section>`;
}

function warnings(list: string[]): Html {
  if (list.length === 0) return html``;
  return html`<section id="warnings" class="warnings" aria-labelledby="warnings-title">
<h2 id="warnings-title">${counted(list.length, "warning")}</h2>
<ul>${list.map((warning) => html`<li>${clean(warning)}</li>`)}</ul>
</section>`;
}

interface Grid {
  caption: string;
  head: Part[];
  /** The first cell of a row is its heading. */
  rows: Part[][];
}

/** A table that scrolls by itself where the screen is narrow. */
function table({ caption, head, rows }: Grid): Html {
  const row = ([first, ...rest]: Part[]) =>
    html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`;
  return html`<div class="wide" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(row)}</tbody>
</table></div>`;
}

function methods(result: RunResult): Html {
  const { mean, metric } = result;
  const names = new Set(METHODS.flatMap((method) => Object.keys(mean.metrics[method] ?? {})));
  const columns = [metric, ...[...names].filter((name) => name !== metric)];
  const spread = (method: Method, name: string): Spread | undefined =>
    mean.metrics[method]?.[name] ??
    (name === metric ? { mean: mean.test[method], sd: mean.sd[method] } : undefined);
  const best = new Map(columns.map((name) => [name, bestOf(name, (method) => spread(method, name)?.mean)]));
  const bestVoted = bestOf(metric, (method) => mean.voted[method]);
  const cell = (method: Method, name: string) => {
    const value = spread(method, name);
    const text = html`${score(value?.mean)}<small> ± ${score(value?.sd)}</small>`;
    return best.get(name) === method ? html`<strong>${text}</strong>` : text;
  };
  const voted = (method: Method) =>
    bestVoted === method ? html`<strong>${score(mean.voted[method])}</strong>` : score(mean.voted[method]);
  // It is kept so that higher is better; here it is told as the metric is.
  const guess = (method: Method) => {
    const value = average(result.splits.flatMap(({ outOfFold }) => outOfFold[method] ?? []));
    return higherIsBetter(metric) ? value : 1 - value;
  };
  const arrow = (name: string) => (higherIsBetter(name) ? "higher is better" : "lower is better");
  return html`<section id="methods" aria-labelledby="methods-title">
<h2 id="methods-title">Methods</h2>
<p>The same classifier on the same splits; only what is done about the imbalance differs.</p>
${table({
  caption: `Held-out scores, mean ± standard deviation over ${counted(result.splits.length, "split")}; the best of a column is bold`,
  head: [
    "Method",
    ...columns.map((name) => html`${clean(name)}<small>${arrow(name)}</small>`),
    html`${clean(metric)}<small>all held-out rows together</small>`,
    html`${clean(metric)}<small>training rows, out of fold</small>`,
  ],
  rows: METHODS.map((method) => [
    METHOD_NAMES[method],
    ...columns.map((name) => cell(method, name)),
    voted(method),
    score(guess(method)),
  ]),
})}
<p>${recommendationRule(result)}</p>
${figure("Held-out scores", drawMethodsOf(result))}
</section>`;
}

/** What `choose` of choice.ts does, in words. */
function recommendationRule({ metric, splits }: RunResult): string {
  const estimated = splits.filter(({ outOfFold }) => outOfFold.none !== null);
  if (estimated.length === 0) return "The training rows are too few to recommend anything by them.";
  const error = average(estimated.map(({ outOfFoldError }) => outOfFoldError));
  const first = "The recommendation goes by the last column. There";
  return Object.hasOwn(labelMetrics, metric)
    ? `${first} the synthetic data must lead by ${score(error / 2)}, half the standard error of doing nothing, because its rows were found on these.`
    : `${first} another method must be better than doing nothing by ${score(error)}, its standard error.`;
}

function bestOf(metric: string, value: (method: Method) => number | null | undefined): Method | undefined {
  const sign = higherIsBetter(metric) ? 1 : -1;
  const scored = METHODS.filter((method) => Number.isFinite(value(method)));
  return scored.reduce<Method | undefined>(
    (best, method) => (best === undefined || sign * value(method)! > sign * value(best)! ? method : best),
    undefined,
  );
}

function data({ data }: RunResult): Html {
  const { rows, columns, counts, positive, positives, image } = data;
  const what = image
    ? html`${counted(rows, "image")} of ${image.width} × ${image.height} pixels${image.channels === 1 ? " in grey" : ""}, ${counted(columns, "column")} that vary`
    : html`${formatCount(rows)} rows, ${counted(columns, "column")}`;
  const share = (count: number) => (rows > 0 ? count / rows : 0);
  return html`<section id="data" aria-labelledby="data-title">
<h2 id="data-title">Data</h2>
<p>${what}. The positive class is <b>${clean(positive)}</b>: ${counted(positives, "row")}, ${formatPercent(share(positives))}.</p>
${table({
  caption: `Classes of ${clean(data.target)}`,
  head: ["Class", "Rows", "Share", ""],
  rows: data.classes.map((name, i) => [
    clean(name),
    formatCount(counts[i]),
    formatPercent(share(counts[i])),
    html`<meter min="0" max="${rows}" value="${counts[i]}" aria-hidden="true"></meter>`,
  ]),
})}
</section>`;
}

/** Columns that the table of distances shows, the most different first. */
const COLUMNS_SHOWN = 20;

/** Use, calibration, closeness and copies: what the generated rows are, beside rows that they were not learnt from. */
function evidence(result: RunResult): Html {
  const { metric, splits, evidence } = result;
  const { utility, fidelity, memorisation } = evidence;
  const share = (value: number | null) => formatPercent(value ?? Number.NaN);
  const columns = fidelity.columns.slice(0, COLUMNS_SHOWN);
  return html`<section id="evidence" aria-labelledby="evidence-title">
<h2 id="evidence-title">Evidence</h2>
<p>The generated rows of each split beside its training rows, tested on the rows that it held out. Intervals are of 95 %, over splits.</p>
${table({
  caption: `Use: held-out ${clean(metric)} of the classifier, learnt from …`,
  head: ["Learnt from", "Mean", "Interval"],
  rows: [
    ["real rows", score(utility.real.mean), range(utility.real)],
    ["synthetic rows alone", score(utility.synthetic.mean), range(utility.synthetic)],
    ["both, one below the other", score(utility.both.mean), range(utility.both)],
    [
      "gain of both over real",
      score(utility.gain.difference),
      `p = ${formatNumber(utility.gain.p ?? Number.NaN, 2)}`,
    ],
  ],
})}
${figure("Reliability of the probabilities", drawReliabilityOf(result))}
${table({
  caption: `Fidelity, mean over ${counted(splits.length, "split")}; real rows weighted to the classes' synthetic proportions`,
  head: ["Measure", "Mean", "Interval", "Alike is"],
  rows: [
    [
      "distance of columns (Kolmogorov–Smirnov, total variation)",
      score(fidelity.distance.mean),
      range(fidelity.distance),
      "0",
    ],
    [
      "difference of pairwise correlations",
      score(fidelity.correlation.mean),
      range(fidelity.correlation),
      "0",
    ],
    [
      "told from real rows by a classifier, ROC-AUC",
      score(fidelity.detection?.mean),
      range(fidelity.detection),
      "0.5",
    ],
    ["real ranges and categories covered", score(fidelity.coverage.mean), range(fidelity.coverage), "1"],
  ],
})}
<details><summary>Column by column</summary>
${table({
  caption: `The ${counted(columns.length, "column")} that differ most`,
  head: ["Column", "Distance", "Covered"],
  rows: columns.map((one) => [clean(one.column), score(one.distance), share(one.coverage)]),
})}
</details>
${table({
  caption: "Copies, mean over splits",
  head: ["Check", "Found", "Fresh real rows"],
  rows: [
    [
      "equal a training row",
      share(memorisation.copies),
      html`${share(memorisation.realCopies)}<small>training rows that equal another</small>`,
    ],
    ["closer to a training row than 95 % of held-out rows", share(memorisation.near), "5 %"],
    ["closer to a training row than half of the held-out rows", share(memorisation.closer), "50 %"],
    [
      "median distance to the closest training row",
      score(memorisation.distance),
      score(memorisation.baseline),
    ],
    [
      "training rows told from held-out ones by the nearest synthetic row, ROC-AUC",
      score(memorisation.membership),
      "0.500",
    ],
  ],
})}
<p>${memorisation.note}</p>
${trade(result)}
</section>`;
}

/** The λ that were tried, if any. */
function trade(result: RunResult): Html {
  const { sweep, metric } = result;
  if (!sweep || sweep.length === 0) return html``;
  return html`<h3>What λ trades</h3>
${figure("What λ trades", drawParetoOf(result))}
${table({
  caption: `Means over splits under each λ; all but ${clean(metric)}: smaller is closer to the real rows`,
  head: ["λ", metric, "Columns", "Correlations", "Told from real rows"],
  rows: sweep.map((point) => [
    formatNumber(point.lambda),
    html`${score(point.score)}<small> ± ${score(point.sd)}</small>`,
    score(point.distance),
    score(point.correlation),
    score(point.detection),
  ]),
})}`;
}

function range(found: Interval | null): string {
  return found?.low == null ? "–" : `${score(found.low)} to ${score(found.high)}`;
}

function across(result: RunResult): Html {
  const { rules } = result;
  return html`<section id="across" aria-labelledby="across-title">
<h2 id="across-title">Across splits</h2>
${splitsTable(result)}
${diagnostics(result)}
${result.data.image ? "" : figure("Mean feature importances", drawMeanImportancesOf(result))}
${figure("Importances across splits", drawImportancesOf(result))}
<h3>Rules that recur</h3>
${
  rules.length === 0
    ? html`<p>No path appears in the trees of two splits.</p>`
    : table({
        caption:
          "Paths from the root that appear in the trees of several splits; thresholds may differ, the widest is shown",
        head: ["If", "Class", "Support", "Confidence", "Splits"],
        rows: rules.map((rule) => [
          rule.conditions.map(clean).join(" and "),
          clean(rule.class),
          formatPercent(rule.support),
          formatPercent(rule.confidence),
          rule.splits.join(", "),
        ]),
      })
}
</section>`;
}

function diagnostics({ diagnostics: list }: RunResult): Html {
  if (list.length === 0) return html``;
  return table({
    caption: "How training went: the later half of its epochs, mean over splits",
    head: ["Measure", "Value", "Advice"],
    rows: list.map(({ title, value, advice }) => [title, score(value), advice ?? "fine"]),
  });
}

function splitsTable({ splits, metric }: RunResult): Html {
  return table({
    caption: `Each split: rows, training, held-out ${clean(metric)}`,
    head: [
      "Split",
      "Training rows",
      "Held-out rows",
      "Epochs",
      "Stopped",
      ...METHODS.map((method) => METHOD_NAMES[method]),
      "Seconds",
    ],
    rows: splits.map(({ split, rows, stopped, test, seconds }) => [
      html`<a href="#split-${split}">${split}</a>`,
      formatCount(rows.train),
      formatCount(rows.test),
      formatCount(stopped.epoch),
      REASONS[stopped.reason] ?? stopped.reason,
      ...METHODS.map((method) => score(test[method])),
      formatFixed(seconds, 1),
    ]),
  });
}

function splitSection(split: SplitResult, { metric, data }: RunResult, open: boolean): Html {
  const name = `Split ${split.split}`;
  const pictures = splitPictures(split, { metric, image: data.image });
  // The id is inside, so that a link to it opens the split.
  return html`<details class="split"${open ? new Html(" open") : ""}>
<summary><h2>${name}</h2> <span>${clean(metric)} ${score(split.test.none)} → ${score(split.test.makeit)}</span></summary>
<div id="split-${split.split}">${pictures.map(({ title, draw }) => figure(`${name}: ${title}`, draw()))}</div>
</details>
`;
}

/** A picture; a narrow screen scrolls it rather than shrinking it beyond reading. */
function figure(label: string, svg: string): Html {
  return html`<figure class="wide" role="region" aria-label="${label}" tabindex="0">${new Html(svg)}</figure>\n`;
}

function reproduce(result: RunResult): Html {
  const { version, seed, engine, engineReason, seconds, options } = result;
  return html`<section id="again" aria-labelledby="again-title">
<h2 id="again-title">Run it again</h2>
<p>Makeit ${version}, engine ${engine} (${engineReason}), seed ${seed}, ${formatFixed(seconds, 1)} seconds. The same version, data, options and seed give the same result:</p>
<pre><code>${command(result)}</code></pre>
<details><summary>All options</summary>
${table({
  caption: "Options of this run",
  head: ["Option", "Value", "Meaning"],
  rows: Object.entries(options).map(([name, value]) => [
    clean(name),
    clean(typeof value === "string" ? value : (JSON.stringify(value) ?? "–")),
    Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof Settings].describe : "",
  ]),
})}
</details>
</section>`;
}
