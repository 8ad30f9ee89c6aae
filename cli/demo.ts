/** `makeit demo`: the main job on real data, wildlife strikes at US airports. */
import { fileURLToPath } from "node:url";
import { resolveSettings } from "../sdk/options.ts";
import { command } from "./command.ts";
import { JSON_FLAG, pick, QUIET_FLAG, SETTING_FLAGS } from "./flags.ts";

/** One of the page's own: the package holds it once. */
const DATA = fileURLToPath(new URL("./web/demo/birdstrikes.csv.gz", import.meta.url));
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
    [
      "makeit demo",
      "results into out/demo/, earlier ones are replaced; two minutes are not worth saving, so no --resume",
    ],
    ["makeit demo --metric average_precision --seed 2", "another metric, another seed"],
  ],
  async run(values, _files, terminal) {
    const settings = pick(values, SETTING_FLAGS) as object;
    resolveSettings(settings);
    terminal.note(`${TARGET} = ${POSITIVE} against the rest, ${DATA}`);
    const [{ runJob }, { readTable }] = await Promise.all([import("./results.ts"), import("../sdk/node.ts")]);
    return runJob(
      {
        open: () => readTable(DATA, { name: "birdstrikes.csv", drop: AFTERWARDS }),
        options: { splits: SPLITS, ...settings, target: TARGET, positive: POSITIVE },
        out: values.out ?? FLAGS.out.default,
        force: true,
      },
      terminal,
    );
  },
});
