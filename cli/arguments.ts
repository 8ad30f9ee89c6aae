/** The command line, read: which command, its files and its flags; or the text of `--help` and its like. */
import yargs, { type Argv, type Options } from "yargs";
import { inputError } from "../sdk/errors.ts";
import type { Command, Files } from "./command.ts";
import { readConfig } from "./config.ts";
import { type Flag, type Flags, kebab, readValue, suggestion, type Values } from "./flags.ts";

export type Parsed =
  | { kind: "text"; text: string }
  | { kind: "command"; command: Command; values: Values<Flags>; files: Files<string> };

type RawArguments = { _: (string | number)[]; $0: string } & Record<string, unknown>;

/** Stands for "-" inside yargs, which loses it among positional arguments. */
const DASH = "\0-";

const GLOBAL = ["help", "h", "version", "V"];

/** @throws MakeitError on anything that the commands do not know */
export async function parseArguments(
  words: readonly string[],
  commands: readonly Command[],
  { version, columns = 100 }: { version: string; columns?: number },
): Promise<Parsed> {
  refuseInherited(words);
  let chosen: { command: Command; raw: RawArguments } | undefined;
  let parser = yargs([...words])
    .scriptName("makeit")
    .usage("$0 <command>\n\nSynthetic data that improves a classifier on imbalanced tables.")
    .parserConfiguration({
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
    })
    .locale("en")
    .completion("completion", "Print the completion script for bash or zsh")
    .help("help")
    .alias("help", "h")
    .version("version", version)
    .alias("version", "V")
    .group(["help", "version"], "Other:")
    .epilogue("makeit <command> --help shows a command's flags and examples.")
    .wrap(Math.min(110, columns))
    .exitProcess(false)
    .fail((message, error) => {
      if (error && error.name !== "YError") throw error;
      throw inputError(plain(message ?? error.message), hintFor(words, commands));
    });
  for (const entry of commands) {
    parser = parser.command(
      usage(entry),
      entry.describe,
      (builder) => describeCommand(builder, entry),
      (raw) => {
        chosen = { command: entry, raw: withDashes(raw) };
      },
    ) as Argv;
  }
  const text = await outputOf(
    parser,
    words.map((word) => (word === "-" ? DASH : word)),
  );
  if (text) return { kind: "text", text };
  if (!chosen) throw unknownCommand(words, commands);
  const { command, raw } = chosen;
  refuseUnknown(command, raw);
  return { kind: "command", command, ...(await valuesOf(command, raw)) };
}

/** yargs looks flags up among what every object has, and stumbles over `--constructor`. */
function refuseInherited(words: readonly string[]): void {
  const flags = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  for (const word of flags) {
    const name = /^--?(?:no-)?([^=]*)/.exec(word)?.[1] ?? "";
    if (name in {})
      throw inputError(`Unknown flag ${word.split("=")[0]}.`, "makeit --help lists the commands.");
  }
}

/** What yargs would print: the text of --help, --version or completion; empty when a command was chosen. */
async function outputOf(parser: Argv, words: readonly string[]): Promise<string> {
  let text = "";
  await parser.parseAsync([...words], {}, (error, _argv, output) => {
    if (error) throw error;
    text = output;
  });
  // All values are texts to yargs; each flag reads its own.
  return text.replaceAll("[string] [", "         [").replace(/ *\[string\]$/gm, "");
}

function withDashes(raw: object): RawArguments {
  const back = (value: unknown) => (value === DASH ? "-" : value);
  const entries = Object.entries(raw).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(back) : back(value),
  ]);
  return Object.fromEntries(entries) as RawArguments;
}

function usage(command: Command): string {
  return [command.name, ...Object.keys(command.positionals).map((name) => `<${name}>`)].join(" ");
}

/** A positional's name without the mark of those that take several. */
function bare(name: string): string {
  return name.replace(/\.\.$/, "");
}

function describeCommand(builder: Argv, command: Command): Argv {
  for (const [name, describe] of Object.entries(command.positionals)) {
    builder.positional(bare(name), { describe, type: "string" });
  }
  for (const [name, flag] of Object.entries(command.flags)) builder.option(kebab(name), yargsOption(flag));
  const examples = command.examples.map(([line, what]) => `  ${line}\n      ${what}`);
  return builder
    .usage(`$0 ${usage(command)}\n\n${command.describe}`)
    .epilogue(`Examples:\n${examples.join("\n")}`);
}

function yargsOption(flag: Flag): Options {
  const fallback = flag.default === undefined ? {} : { defaultDescription: String(flag.default) };
  const choices = flag.choices ? ` (${flag.choices.join(", ")})` : "";
  const describe = flag.describe + choices;
  const common: Options = { describe, group: `${flag.group}:`, alias: flag.short, ...fallback };
  if (flag.kind === "boolean") return { ...common, boolean: true };
  return { ...common, string: true, requiresArg: true };
}

function plain(message: string): string {
  const missing = /^Not enough arguments following: (.*)$/.exec(message);
  if (missing) return `${dashed(missing[1])} needs a value.`;
  const files = /^Not enough non-option arguments: got (\d+), need at least (\d+)/.exec(message);
  if (files) return `${files[2] === "1" ? "A file is" : `${files[2]} files are`} needed, ${files[1]} given.`;
  return message.split("\n", 1)[0];
}

function hintFor(words: readonly string[], commands: readonly Command[]): string {
  const command = commands.find((entry) => words.includes(entry.name));
  return command ? `Usage: makeit ${usage(command)}; makeit ${command.name} --help shows its flags.` : "";
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): Error {
  const names = [...commands.map((entry) => entry.name), "completion"];
  const word = words.find((item) => !item.startsWith("-"));
  if (word === undefined) {
    const flag = words.find((item) => item !== "-" && item.startsWith("-"));
    const what = flag ? `No command before ${flag}.` : "No command given.";
    return inputError(what, `Commands: ${names.join(", ")}. makeit --help says more.`);
  }
  return inputError(
    `Unknown command "${word}".`,
    suggestion(word, names) || `Commands: ${names.join(", ")}.`,
  );
}

function refuseUnknown(command: Command, raw: RawArguments): void {
  const flags = Object.entries(command.flags);
  const names = flags.map(([name]) => kebab(name));
  const shorts = flags.flatMap(([, flag]) => flag.short ?? []);
  const known = new Set([
    ...names,
    ...shorts,
    ...GLOBAL,
    ...Object.keys(command.positionals).map(bare),
    "_",
    "$0",
  ]);
  for (const name of Object.keys(raw)) {
    if (known.has(name)) continue;
    const hint = suggestion(kebab(name), names, "--") || `makeit ${command.name} --help lists the flags.`;
    throw inputError(`Unknown flag ${dashed(name)} for ${command.name}.`, hint);
  }
  const extra = raw._.slice(1);
  if (extra.length > 0) {
    throw inputError(
      `Unexpected argument "${extra[0]}".`,
      `Usage: makeit ${usage(command)}, flags after that.`,
    );
  }
}

/** Flags of the command line over those of the config file. */
async function valuesOf(
  command: Command,
  raw: RawArguments,
): Promise<{ values: Values<Flags>; files: Files<string> }> {
  const given: Values<Flags> = {};
  for (const [name, flag] of Object.entries(command.flags) as [string, Flag][]) {
    const word = raw[kebab(name)];
    if (word !== undefined) given[name] = readValue(dashed(kebab(name)), flag, once(name, flag, word));
  }
  const { config, ...flags } = given;
  const fromFile = typeof config === "string" ? await readConfig(config, command.flags) : {};
  const files = Object.fromEntries(
    Object.keys(command.positionals).map((name) => {
      const word = raw[bare(name)];
      return [name, Array.isArray(word) ? word.map(String) : String(word)];
    }),
  );
  return { values: { ...fromFile, ...flags }, files: files as Files<string> };
}

/** A flag given twice: lists are joined, anything else is a contradiction. */
function once(name: string, flag: Flag, word: unknown): unknown {
  if (!Array.isArray(word)) return word;
  if (flag.kind === "list") return word.join(",");
  throw inputError(`${dashed(kebab(name))} is given ${word.length} times.`, "Give it once.");
}
