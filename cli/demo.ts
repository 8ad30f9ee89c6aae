/** `makeit demo`: the main job on real data, wildlife strikes at US airports. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MakeitError } from "../sdk/errors.ts";
import { resolveSettings } from "../sdk/options.ts";
import { command } from "./command.ts";
import { JSON_FLAG, pick, QUIET_FLAG, SETTING_FLAGS } from "./flags.ts";
import { openTable } from "./tables.ts";

/** What the damage cost is known only after the damage: a model that sees it learns nothing of use. */
const AFTERWARDS = ["Cost Other", "Cost Repair", "Cost Total $"];
const TARGET = "Effect Amount of damage";
const POSITIVE = "Substantial";
/** Enough for a comparison, few enough for two minutes on two cores. */
const SPLITS = 3;

const FLAGS = {
  out: {
    kind: "string",
    group: "Output",
    short: "o",
    default: "out/demo",
    describe: "The folder of results",
  },
  ...SETTING_FLAGS,
  splits: { ...SETTING_FLAGS.splits, default: SPLITS },
  ...QUIET_FLAG,
  ...JSON_FLAG,
} as const;

export const demo = command({
  name: "demo",
  describe: "Do all of it on real data: which wildlife strikes do substantial damage (3 %)?",
  positionals: {},
  flags: FLAGS,
  examples: [
    ["makeit demo", "results into out/demo/, earlier ones are replaced"],
    ["makeit demo --metric average_precision --seed 2", "another metric, another seed"],
  ],
  async run(values, _files, terminal) {
    const settings = pick(values, SETTING_FLAGS) as object;
    resolveSettings(settings);
    const file = birdstrikes();
    terminal.note(`${TARGET} = ${POSITIVE} against the rest, ${file}`);
    const { runJob } = await import("./results.ts");
    return runJob(
      {
        open: () => openTable(file, { target: TARGET, drop: AFTERWARDS }),
        options: { splits: SPLITS, ...settings, target: TARGET, positive: POSITIVE },
        out: values.out ?? FLAGS.out.default,
        force: true,
      },
      terminal,
    );
  },
});

/** The table inside the package vega-datasets. */
function birdstrikes(): string {
  const file = join(packageFolder("vega-datasets") ?? "", "data/birdstrikes.csv");
  if (existsSync(file)) return file;
  throw new MakeitError(
    "input",
    "The demo's data is not installed: it comes with the package vega-datasets 3.2.",
    "Run npm install vega-datasets@3.2, or makeit fit on a table of yours.",
  );
}

function packageFolder(name: string): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), "index.js")]) {
    try {
      return dirname(dirname(createRequire(from).resolve(name))); // its entry is build/index.js
    } catch {
      // not there: try the next place
    }
  }
  return undefined;
}
