/** `makeit evaluate`: how useful, how close and how original a synthetic table is. */
import { inputError } from "../sdk/errors.ts";
import type { Evaluation } from "../sdk/evaluate.ts";
import { command, EXIT } from "./command.ts";
import { CONFIG_FLAG, IMAGE_FLAGS, JSON_FLAG, QUIET_FLAG, SETTING_FLAGS, TABLE_FLAGS } from "./flags.ts";
import { checkTableFlags, leadsToImages, openTable, targetOf, tellWarnings } from "./tables.ts";
import { percent, score, textTable } from "./terminal.ts";

const { metric, classifier, splits, seed, maxCategories } = SETTING_FLAGS;
const FLAGS = {
  ...TABLE_FLAGS,
  ...IMAGE_FLAGS,
  metric,
  classifier,
  splits,
  seed,
  maxCategories,
  ...CONFIG_FLAG,
  ...QUIET_FLAG,
  ...JSON_FLAG,
} as const;

/** Columns that are shown, the most different first. */
const SHOWN = 10;

export const evaluateTables = command({
  name: "evaluate",
  describe: "Judge a synthetic table: is it useful, is it close to the real one, does it repeat real rows?",
  positionals: { real: "The real table", synthetic: "The synthetic one; one of the two may be -" },
  flags: FLAGS,
  examples: [
    ["makeit evaluate churn.csv makeit-out/synthetic.csv --target churned", "what a run wrote"],
    ["makeit evaluate photos makeit-out/synthetic.csv --size 16x16", "images"],
    ["makeit evaluate test.csv other.parquet -t churned --metric roc_auc --json", "any table, for programs"],
  ],
  async run({ splits: folds, ...values }, { real, synthetic }, terminal) {
    if (real === "-" && synthetic === "-") {
      throw inputError(
        "Only one of the two tables can come from standard input.",
        "Name a file for the other.",
      );
    }
    const target = targetOf(real, values);
    checkTableFlags(values);
    const { positive, metric, classifier, seed, maxCategories } = values;
    // Rows that were made of images are a table, which the flags of images do not concern.
    const { size: _, channels: _c, background: _b, skipBad: _s, maxPixels: _m, ...rest } = values;
    const second = leadsToImages(synthetic, {}) || !leadsToImages(real, values) ? values : rest;
    const tables = [await openTable(real, values), await openTable(synthetic, second)] as const;
    const options = { target, positive, metric, classifier, folds, seed, maxCategories };
    const { evaluate } = await import("../sdk/evaluate.ts");
    const found = await evaluate(...tables, options as Parameters<typeof evaluate>[2]);
    tellWarnings([...tables[0].warnings, ...tables[1].warnings, ...found.warnings], terminal);
    await terminal.show(describe(found));
    await terminal.object(found);
    return EXIT.done;
  },
});

/** The sentence first, then use, closeness, copies. */
function describe({ summary, metric, rows, classes, utility, fidelity, memorisation }: Evaluation): string {
  const use = (["real", "synthetic", "both"] as const).map((name) => [
    `trained on ${name === "both" ? "both" : `${name} rows`}`,
    `${score(utility[name].mean)} ± ${score(utility[name].sd)}`,
  ]);
  const columns = [...fidelity.columns].sort((a, b) => b.distance - a.distance).slice(0, SHOWN);
  const { detection, distance, correlation } = fidelity;
  return [
    summary,
    "",
    textTable(
      [
        ["rows", "real", "synthetic"],
        ["all", `${rows.real}`, `${rows.synthetic}`],
      ].concat(classes.map((one) => [one.name, `${one.real}`, `${one.synthetic}`])),
      [1, 2],
    ),
    "",
    textTable([["use", `${metric} on held-out real rows`], ...use], [1]),
    "",
    textTable(
      [
        ["closeness", "0 is alike"],
        ["mean distance of columns", score(distance)],
        ["mean difference of correlations", score(correlation)],
        ["told from real rows (ROC-AUC, .5 is not at all)", score(detection)],
        ...columns.map((one) => [`column ${one.column}`, score(one.distance)]),
      ],
      [1],
    ),
    "",
    textTable(
      [
        ["originality", ""],
        ["rows that equal a real row", percent(memorisation.copies)],
        ["real rows that equal another real row", percent(memorisation.realCopies)],
        ["closer to a real row than half of the held-out real rows (.5 is new)", score(memorisation.closer)],
      ],
      [1],
    ),
  ].join("\n");
}
