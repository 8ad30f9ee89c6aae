#!/usr/bin/env node
/** The command line's entry: reads the words, runs the command, sets the exit code. */
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
import { VERSION } from "./version.ts";

const COMMANDS = [fitTable, sampleModel, evaluateTables, inspect, devices, demo];

/** A reader that closes early (`| head`) wants no more: that is no error. */
function leaveOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    discardAll();
    process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.failure);
  });
}

async function main(words: readonly string[]): Promise<number> {
  const streams = { stdout: process.stdout, stderr: process.stderr };
  const json = words.includes("--json");
  try {
    const parsed = await parseArguments(words, COMMANDS, {
      version: VERSION,
      columns: process.stdout.columns,
    });
    if (parsed.kind === "text") {
      await new Terminal(streams).write(parsed.text);
      return EXIT.done;
    }
    const { command, values, files } = parsed;
    const terminal = new Terminal({ ...streams, json: values.json === true, quiet: values.quiet === true });
    return await command.run(values, files, terminal).catch((error) => reportError(error, terminal));
  } catch (error) {
    return reportError(error, new Terminal({ ...streams, json }));
  } finally {
    discardAll();
  }
}

leaveOnClosedPipe();
process.exit(await main(process.argv.slice(2)));
