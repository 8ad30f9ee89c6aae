/** `--config`: a JSON file of flags. */
import { readFile } from "node:fs/promises";
import { inputError } from "../sdk/errors.ts";
import { camel, type Flags, readValue, suggestion, type Values } from "./flags.ts";

const SHAPE = 'Write a JSON object of flags such as {"target": "class", "epochs": 50}.';

/** Reads a file of flags. @throws MakeitError when it is no JSON object, or holds what the flags do not take */
export async function readConfig(file: string, flags: Flags): Promise<Values<Flags>> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw Object.assign(error, { path: file }); // reading a folder fails without a path
  });
  return parseConfig(text, file, flags);
}

/** The text of a file of flags; one file cannot name another. */
export function parseConfig(text: string, file: string, { config: _, ...flags }: Flags): Values<Flags> {
  const names = Object.keys(flags);
  const values: Values<Flags> = {};
  for (const [key, raw] of Object.entries(parseObject(text, file))) {
    const name = camel(key);
    if (!Object.hasOwn(flags, name)) {
      const hint = suggestion(name, names) || `Known keys: ${names.join(", ")}.`;
      throw inputError(`Unknown key "${key}" in ${file}.`, hint);
    }
    values[name] = readValue(`${key} in ${file}`, flags[name], raw);
  }
  return values;
}

function parseObject(text: string, file: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw inputError(`${file} is not valid JSON: ${(error as Error).message}.`, SHAPE);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw inputError(`${file} holds no JSON object.`, SHAPE);
}
