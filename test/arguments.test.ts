import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseArguments } from "../cli/arguments.ts";
import { type Command, command } from "../cli/command.ts";
import {
  CONFIG_FLAG,
  camel,
  editDistance,
  kebab,
  nearest,
  readValue,
  SETTING_FLAGS,
  splitList,
} from "../cli/flags.ts";
import { OPTIONS } from "../sdk/options.ts";

const brew = command({
  name: "brew",
  describe: "Brew coffee",
  positionals: { beans: "The beans" },
  flags: {
    cups: { kind: "integer", min: 1, max: 9, group: "Coffee", describe: "How many cups" },
    milkShare: { kind: "number", min: 0, max: 1, group: "Coffee", describe: "Share of milk" },
    sorts: { kind: "list", group: "Coffee", describe: "Sorts of beans" },
    strong: { kind: "boolean", short: "s", group: "Coffee", describe: "Make it strong" },
    size: { kind: "choice", choices: ["small", "large"], group: "Coffee", describe: "Size of a cup" },
    name: { kind: "string", group: "Coffee", describe: "Whose it is" },
    ...CONFIG_FLAG,
  },
  examples: [["makeit brew arabica --cups 2", "for two"]],
  run: async () => 0,
});
const drink = command({ ...brew, name: "drink", positionals: {} } as unknown as Command);
const COMMANDS = [brew, drink];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "makeit-arguments-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function read(...words: string[]) {
  const parsed = await parseArguments(words, COMMANDS, { version: "1.2.3" });
  if (parsed.kind !== "command") throw new Error(`no command, but the text ${parsed.text}`);
  return { name: parsed.command.name, values: parsed.values, files: parsed.files };
}

async function text(...words: string[]): Promise<string> {
  const parsed = await parseArguments(words, COMMANDS, { version: "1.2.3" });
  return parsed.kind === "text" ? parsed.text : "";
}

function config(value: unknown): string {
  const file = join(folder, "config.json");
  writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
  return file;
}

describe("arguments", () => {
  test("words become values of their kinds", async () => {
    const words = ["--cups", "3", "--milk-share=.25", "--sorts", 'a,"b, c"', "-s", "--size", "large"];
    expect(await read("brew", "arabica", ...words, "--name", "007")).toEqual({
      name: "brew",
      files: { beans: "arabica" },
      values: { cups: 3, milkShare: 0.25, sorts: ["a", "b, c"], strong: true, size: "large", name: "007" },
    });
  });

  test("flags may stand before the command and the file", async () => {
    expect((await read("--cups", "2", "brew", "arabica")).values).toEqual({ cups: 2 });
    expect((await read("brew", "-s", "arabica")).files).toEqual({ beans: "arabica" });
  });

  test("- is a file", async () => {
    expect((await read("brew", "-")).files).toEqual({ beans: "-" });
    expect((await read("brew", "-s", "-", "--name", "-")).values).toEqual({ strong: true, name: "-" });
  });

  test("what was not given is not there", async () => {
    expect((await read("brew", "x")).values).toEqual({});
    expect((await read("brew", "x", "--no-strong")).values).toEqual({ strong: false });
  });

  test("a list given twice is joined", async () => {
    expect((await read("brew", "x", "--sorts", "a", "--sorts", "b,c")).values).toEqual({
      sorts: ["a", "b", "c"],
    });
  });

  test("a negative number is a value, not a flag", async () => {
    await expect(read("brew", "x", "--cups", "-3")).rejects.toThrow(
      '--cups is "-3"; expected a whole number from 1 to 9.',
    );
  });

  test.each([
    [
      ["brew", "x", "--cups", "two"],
      '--cups is "two"; expected a whole number from 1 to 9.',
      "How many cups",
    ],
    [["brew", "x", "--cups", "1.5"], '--cups is "1.5"; expected a whole number', "How many cups"],
    [["brew", "x", "--cups", ""], '--cups is ""; expected a whole number', ""],
    [["brew", "x", "--cups"], "--cups needs a value.", "Usage: makeit brew <beans>"],
    [["brew", "x", "--cups", "1", "--cups", "2"], "--cups is given 2 times.", "Give it once."],
    [["brew", "x", "--milk-share", "2"], '--milk-share is "2"; expected a number from 0 to 1.', ""],
    [["brew", "x", "--milk-share", "NaN"], '--milk-share is "NaN"; expected a number', ""],
    [["brew", "x", "--size", "huge"], '--size is "huge"; expected one of small, large.', ""],
    [["brew", "x", "--sorts", "a,,b"], '--sorts is "a,,b"; expected names separated by commas.', ""],
    [["brew", "x", "--cupz", "1"], "Unknown flag --cupz for brew.", "Did you mean --cups?"],
    [["brew", "x", "--milkShare", "1"], "Unknown flag --milkShare for brew.", "Did you mean --milk-share?"],
    [["brew", "x", "--wonderful", "1"], "Unknown flag --wonderful for brew.", "makeit brew --help"],
    [["brew", "x", "-z"], "Unknown flag -z for brew.", "makeit brew --help"],
    [["brew", "x", "y"], 'Unexpected argument "y".', "Usage: makeit brew <beans>"],
    [["brew"], "A file is needed, 0 given.", "Usage: makeit brew <beans>"],
    [["brw"], 'Unknown command "brw".', "Did you mean brew?"],
    [["wonderful"], 'Unknown command "wonderful".', "Commands: brew, drink, completion."],
    [[], "No command given.", "Commands: brew, drink, completion."],
    [["--cups"], "No command before --cups.", "Commands:"],
  ])("%j is refused: %s", async (words, message, hint) => {
    await expect(read(...words)).rejects.toMatchObject({
      code: "input",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  test("help names every flag with its bounds' text, default and examples", async () => {
    const help = await text("brew", "--help");
    for (const part of [
      "--cups",
      "--milk-share",
      "-s, --strong",
      "Coffee:",
      "makeit brew arabica --cups 2",
    ]) {
      expect(help).toContain(part);
    }
    expect(await text("--help")).toContain("makeit brew <beans>");
    expect(await text("--version")).toBe("1.2.3");
  });
});

describe("config files", () => {
  test("give values; flags of the command line win", async () => {
    const file = config({ cups: 2, milkShare: 0.5, sorts: ["a", "b"], strong: true, name: 7 });
    const { values } = await read("brew", "x", "--config", file, "--cups", "4");
    expect(values).toEqual({ cups: 4, milkShare: 0.5, sorts: ["a", "b"], strong: true, name: "7" });
  });

  test("take flags as they are spelt on the command line too", async () => {
    expect((await read("brew", "x", "--config", config({ "milk-share": 1 }))).values).toEqual({
      milkShare: 1,
    });
  });

  test.each([
    [{ cupz: 1 }, 'Unknown key "cupz" in', "Did you mean cups?"],
    [{ config: "x.json" }, 'Unknown key "config" in', ""],
    [{ cups: "many" }, '"many"; expected a whole number from 1 to 9.', ""],
    [{ strong: "yes" }, '"yes"; expected true or false.', ""],
    [{ sorts: [1] }, "[1]; expected names separated by commas.", ""],
    [{ name: null }, "null; expected a text.", ""],
    ["{cups: 1}", "is not valid JSON", "Write a JSON object"],
    [[1], "holds no JSON object.", "Write a JSON object"],
  ])("%j is refused: %s", async (value, message, hint) => {
    await expect(read("brew", "x", "--config", config(value))).rejects.toMatchObject({
      code: "input",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  test("a missing one is named", async () => {
    await expect(read("brew", "x", "--config", "none.json")).rejects.toMatchObject({
      code: "ENOENT",
      path: "none.json",
    });
  });
});

describe("flags", () => {
  test("every parameter of the SDK is a flag with its own default", () => {
    for (const [name, flag] of Object.entries(SETTING_FLAGS)) {
      expect(camel(kebab(name))).toBe(name);
      expect(readValue(name, flag, flag.default)).toEqual(flag.default);
    }
    expect(Object.keys(SETTING_FLAGS)).toEqual(Object.keys(OPTIONS));
  });

  test("lists survive quoting", () => {
    const names = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(names, (list) => {
        const line = list.map((name) => `"${name.replaceAll('"', '""')}"`).join(",");
        expect(splitList(line)).toEqual(list);
      }),
    );
  });

  test.each([
    ["", "", 0],
    ["abc", "", 3],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["kitten", "sitting", 3],
  ])("the distance of %j and %j is %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  test("the nearest name is near or none", () => {
    expect(nearest("epoch", ["epochs", "patience"])).toBe("epochs");
    expect(nearest("critic-learn", ["critic", "critic-learning-rate"])).toBe("critic-learning-rate");
    expect(nearest("xyz", ["epochs", "patience"])).toBeUndefined();
  });
});
