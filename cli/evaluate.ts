/** `makeit evaluate`: how useful, how close and how original a synthetic table is. */
import { inputError } from "../sdk/errors.ts";
import type { Evaluation } from "../sdk/evaluate.ts";
import { command, EXIT } from "./command.ts";
import { CONFIG_FLAG, IMAGE_FLAGS, JSON_FLAG, QUIET_FLAG, SETTING_FLAGS, TABLE_FLAGS } from "./flags.ts";
import {
  checkTableFlags,
  leadsToImages,
  openTable,
  type TableValues,
  targetOf,
  tellWarnings,
} from "./tables.ts";
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
  heldOut: {
    kind: "string",
    group: "Table",
    describe:
      "A table of real rows that the synthetic ones were not learnt from, to test on and to compare with",
  },
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
    [
      "makeit evaluate train.csv synthetic.csv --held-out test.csv -t churned",
      "with rows that nothing has seen",
    ],
    ["makeit evaluate photos makeit-out/synthetic.csv --size 16x16", "images"],
    ["makeit evaluate test.csv other.parquet -t churned --metric roc_auc --json", "any table, for programs"],
  ],
  async run({ splits: folds, heldOut, ...values }, { real, synthetic }, terminal) {
    if ([real, synthetic, heldOut].filter((path) => path === "-").length > 1) {
      throw inputError("Only one of the tables can come from standard input.", "Name files for the others.");
    }
    const target = targetOf(real, values);
    checkTableFlags(values);
    const { positive, metric, classifier, seed, maxCategories } = values;
    // Rows that were made of images are a table, which the flags of images do not concern.
    const { size: _, channels: _c, background: _b, skipBad: _s, maxPixels: _m, ...rest } = values;
    const second = leadsToImages(synthetic, {}) || !leadsToImages(real, values) ? values : rest;
    // What `fit` left out is in the real table alone.
    const open = (path: string, flags: TableValues) => openTable(path, flags, { absent: true });
    const tables = [await open(real, values), await open(synthetic, second)] as const;
    const fresh = heldOut === undefined ? undefined : await open(heldOut, values);
    for (const name of [...(values.drop ?? []), ...(values.id ?? [])]) {
      const there = [...tables, ...(fresh ? [fresh] : [])].some(({ columns }) =>
        columns.some((c) => c.name === name),
      );
      if (!there) throw inputError(`No table has a column "${name}".`, "Correct --drop or --id.");
    }
    const options = { target, positive, metric, classifier, folds, seed, maxCategories, heldOut: fresh };
    const { evaluate } = await import("../sdk/evaluate.ts");
    const found = await evaluate(...tables, options as Parameters<typeof evaluate>[2]);
    tellWarnings([...tables[0].warnings, ...tables[1].warnings, ...found.warnings], terminal);
    await terminal.show(describe(found));
    await terminal.object(found);
    return EXIT.done;
  },
});

/** The sentence first, then use, calibration, closeness, copies. */
function describe(found: Evaluation): string {
  const { summary, metric, rows, classes, utility, calibration, heldOut, fidelity, memorisation } = found;
  const use = (["real", "synthetic", "both"] as const).map((name) => [
    `trained on ${name === "both" ? "both" : `${name} rows`}`,
    `${score(utility[name].mean)} ± ${score(utility[name].sd)}`,
    `${score(utility[name].low)} to ${score(utility[name].high)}`,
    ...(heldOut ? [score(heldOut[name])] : []),
  ]);
  const columns = [...fidelity.columns].sort((a, b) => b.distance - a.distance).slice(0, SHOWN);
  const { detection, distance, correlation, coverage } = fidelity;
  const { before, after } = calibration;
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
    textTable(
      [
        [
          "use",
          `${metric} on unseen real rows`,
          "95 %",
          ...(heldOut ? [`${heldOut.rows} held-out rows`] : []),
        ],
        ...use,
      ],
      [1, 2, 3],
    ),
    "",
    textTable(
      [
        ["calibration", "Brier", "error"],
        ["trained on real rows", score(before.brier), score(before.ece)],
        ["trained on both", score(after.brier), score(after.ece)],
      ],
      [1, 2],
    ),
    "",
    textTable(
      [
        ["closeness", "0 is alike"],
        ["mean distance of columns", score(distance)],
        ["mean difference of correlations", score(correlation)],
        ["told from real rows (ROC-AUC, .5 is not at all)", score(detection)],
        ["real ranges and categories covered", percent(coverage)],
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
        ["closer to a real row than 95 % of fresh real rows (5 % is new)", percent(memorisation.near)],
        ["closer to a real row than half of fresh real rows (.5 is new)", score(memorisation.closer)],
        ["median distance to the closest real row", score(memorisation.distance)],
        ["the same of fresh real rows", score(memorisation.baseline)],
        ...(memorisation.membership === null
          ? []
          : [
              [
                "real rows told from held-out ones (ROC-AUC, .5 is not at all)",
                score(memorisation.membership),
              ],
            ]),
      ],
      [1],
    ),
    "",
    memorisation.note,
  ].join("\n");
}
