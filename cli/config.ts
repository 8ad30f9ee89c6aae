/** `--config`: a JSON file of flags. */
import { readFile } from "node:fs/promises";
import { inputError } from "../sdk/errors.ts";

const SHAPE = 'Write a JSON object of flags such as {"target": "class", "epochs": 50}.';

/** @throws MakeitError when the file is not a JSON object */
export async function readConfig(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw Object.assign(error, { path: file }); // reading a folder fails without a path
  });
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw inputError(`${file} is not valid JSON: ${(error as Error).message}.`, SHAPE);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw inputError(`${file} holds no JSON object.`, SHAPE);
  }
  return value as Record<string, unknown>;
}
