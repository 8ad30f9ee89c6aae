#!/usr/bin/env node
/** The command line's entry: reads the words, runs the command, sets the exit code. */

import { VERSION } from "../sdk/version.ts";
import { aggregateRun } from "./aggregate.ts";
import { parseArguments } from "./arguments.ts";
import { EXIT } from "./command.ts";
import { demo } from "./demo.ts";
import { devices } from "./devices.ts";
import { evaluateTables } from "./evaluate.ts";
import { fitTable } from "./fit.ts";
import { inspect } from "./inspect.ts";
import { discardAll } from "./output.ts";
import { sampleModel } from "./sample.ts";
import { reportError, Terminal } from "./terminal.ts";
import { trainOneSplit } from "./trainSplit.ts";
import { web } from "./web.ts";
import { runWorker } from "./worker.ts";

const STREAMS = { stdout: process.stdout, stderr: process.stderr };
const COMMANDS = [
  ...[fitTable, sampleModel, evaluateTables, inspect],
  ...[trainOneSplit, aggregateRun, runWorker],
  ...[devices, demo, web],
];

function leave(code: number): never {
  discardAll();
  process.exit(code);
}

/** What can happen outside of any call. */
function listen(): void {
  // A reader that closes early (`| head`) wants no more: that is no error.
  process.stdout.on("error", async (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") leave(EXIT.done);
    const told = Object.assign(error, { path: "standard output" });
    leave(await reportError(told, new Terminal(STREAMS)));
  });
  process.stderr.on("error", () => {}); // nobody listens, so there is nobody to tell
  process.on("uncaughtException", async (error) => leave(await reportError(error, new Terminal(STREAMS))));
}

async function main(words: readonly string[]): Promise<number> {
  const json = words.includes("--json");
  try {
    const parsed = await parseArguments(words, COMMANDS, {
      version: VERSION,
      columns: process.stdout.columns,
    });
    if (parsed.kind === "text") {
      await new Terminal(STREAMS).write(`${parsed.text}\n`);
      return EXIT.done;
    }
    const { command, values, files } = parsed;
    const terminal = new Terminal({ ...STREAMS, json: values.json === true, quiet: values.quiet === true });
    return await command.run(values, files, terminal).catch((error) => reportError(error, terminal));
  } catch (error) {
    return reportError(error, new Terminal({ ...STREAMS, json }));
  }
}

listen();
leave(await main(process.argv.slice(2)));
