/**
 * Settings in the address, after the #: a browser sends that part nowhere. Only settings that differ from the defaults
 * are there, and never anything of the data: no name of a file, a column or a class.
 */
import { MakeitError } from "../sdk/errors.ts";
import { OPTIONS, resolveSettings, type Settings } from "../sdk/options.ts";

export type Given = Partial<Settings>;

/** What an address says beside the settings: a table of the page's own, and how images are to be read. */
export interface Words {
  demo?: string;
  size?: string;
  channels?: string;
}

const BESIDE: Record<keyof Words, RegExp> = { demo: /^\w+$/, size: /^\d{1,3}x\d{1,3}$/, channels: /^grey$/ };

/** Settings of an address, and a sentence for each that is none. */
export function readLink(hash: string): { given: Given; problems: string[] } & Words {
  const given: Record<string, unknown> = {};
  const problems: string[] = [];
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const beside: Words = {};
  for (const [name, pattern] of Object.entries(BESIDE) as [keyof Words, RegExp][]) {
    const word = words.get(name);
    words.delete(name);
    if (word === null) continue;
    if (pattern.test(word)) beside[name] = word;
    else problems.push(`The address says ${name}=${word}, which is nothing that is known.`);
  }
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
  return { given, ...beside, problems };
}

function parseValue(kind: string, text: string): unknown {
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return kind === "number" || kind === "integer" ? (text === "" ? Number.NaN : Number(text)) : text;
}

/** The part after the #; empty where all is as usual. */
export function writeLink(given: Given, beside: Words = {}): string {
  const words = new URLSearchParams(Object.entries(beside).filter(([, word]) => word !== undefined));
  for (const [name, value] of Object.entries(given)) words.set(name, String(value));
  return words.toString();
}
