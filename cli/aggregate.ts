/** `makeit aggregate`: the run that its splits make, wherever each was run. */
import { command, EXIT } from "./command.ts";
import { CONFIG_FLAG, JSON_FLAG, QUIET_FLAG, RESULT_FLAGS, SAFE_FLAG } from "./flags.ts";

const FLAGS = {
  ...RESULT_FLAGS,
  ...SAFE_FLAG,
  ...CONFIG_FLAG,
  ...QUIET_FLAG,
  ...JSON_FLAG,
} as const;

export const aggregateRun = command({
  name: "aggregate",
  describe: "Put the splits of makeit train-split together: the files that makeit fit writes, byte for byte",
  positionals: { "parts..": "Folders that makeit train-split wrote to, or files of theirs" },
  flags: FLAGS,
  examples: [
    ["makeit aggregate parts --out results", "all splits in one folder"],
    ["makeit aggregate node-*/parts --out results", "each machine's own"],
  ],
  async run({ out = FLAGS.out.default, force = false, rows, safeCsv }, { "parts..": paths }, terminal) {
    const started = performance.now();
    const [{ aggregate, readParts }, { OutputFolder }, { tell, writeRun }] = await Promise.all([
      import("../sdk/node.ts"),
      import("./output.ts"),
      import("./results.ts"),
    ]);
    const folder = new OutputFolder(out, { force });
    try {
      const run = await aggregate(readParts(paths), { rows });
      await writeRun(run, folder, safeCsv);
      await tell(run.result, folder, (performance.now() - started) / 1000, terminal);
      return EXIT.done;
    } finally {
      folder.discard();
    }
  },
});
