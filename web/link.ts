/**
 * Settings in the address, after the #: a browser sends that part nowhere. Only settings that differ from the defaults
 * are there, and never anything of the data: no name of a file, a column or a class.
 */
import { MakeitError } from "../sdk/errors.ts";
import { OPTIONS, resolveSettings, type Settings } from "../sdk/options.ts";

export type Given = Partial<Settings>;

/** Settings of an address, and a word for each that is none. */
export function readLink(hash: string): { given: Given; demo?: string; problems: string[] } {
  const given: Record<string, unknown> = {};
  const problems: string[] = [];
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const demo = words.get("demo") ?? undefined;
  words.delete("demo");
  for (const [name, text] of words) {
    const value = Object.hasOwn(OPTIONS, name)
      ? parseValue(OPTIONS[name as keyof Settings].kind, text)
      : text;
    try {
      resolveSettings({ ...given, [name]: value });
      given[name] = value;
    } catch (error) {
      if (!(error instanceof MakeitError)) throw error;
      problems.push(error.message);
    }
  }
  return { given, demo, problems };
}

function parseValue(kind: string, text: string): unknown {
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return kind === "number" || kind === "integer" ? (text === "" ? Number.NaN : Number(text)) : text;
}

/** The part after the #; empty where all is as usual. */
export function writeLink(given: Given, demo?: string): string {
  const words = new URLSearchParams(demo ? { demo } : {});
  for (const [name, value] of Object.entries(given)) words.set(name, String(value));
  return words.toString();
}
