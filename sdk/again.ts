import { METRIC_NAMES } from "./metrics.ts";
import { OPTIONS, PRESETS, type PresetName, resolveSettings } from "./options.ts";
import { clean } from "./plots/text.ts";
import type { RunResult } from "./result.ts";

/** The command line that gives this run: what differs from the preset is named. */
export function command({ data, options, seed, sweep }: RunResult): string {
  const preset = Object.hasOwn(PRESETS, String(options.preset)) ? (options.preset as PresetName) : "default";
  const objective = options.objective === "synthetic" ? "synthetic" : "augmented";
  const classifier = (["tree", "forest"] as const).find((name) => name === options.classifier);
  const metric = METRIC_NAMES.find((name) => name === options.metric);
  // Their defaults hang on these three.
  const { lambda, cut } = resolveSettings({ preset, objective, classifier, metric });
  const usual: Record<string, unknown> = { ...resolveSettings({ preset }), lambda, cut };
  const flags: [string, string][] = [
    ["target", data.target],
    ["seed", String(seed)],
  ];
  if (data.image) flags.push(["size", `${data.image.width}x${data.image.height}`]);
  if (data.image?.channels === 1) flags.push(["channels", "grey"]);
  for (const [name, value] of Object.entries(options)) {
    if (name === "target" || Object.hasOwn(OPTIONS, name) || value === undefined) continue;
    flags.push([name, value === true ? "" : String(value)]);
  }
  if (preset !== "default") flags.push(["preset", preset]);
  for (const name of Object.keys(OPTIONS)) {
    const value = options[name];
    if (
      ["preset", "seed", "engine", "jobs", "profile"].includes(name) ||
      value === undefined ||
      value === usual[name]
    )
      continue;
    if (typeof value === "string" || typeof value === "number") flags.push([name, String(value)]);
    if (typeof value === "boolean") flags.push([value ? name : `no-${name}`, ""]);
  }
  if (sweep) flags.push(["sweepLambda", sweep.map(({ lambda }) => lambda).join(",")]);
  const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const words = flags.map(([name, value]) => {
    if (value === "") return `--${kebab(name)}`;
    return `--${kebab(name)}${value.startsWith("-") ? "=" : " "}${quote(value)}`;
  });
  return ["makeit fit", data.name === "standard input" ? "-" : quote(data.name), ...words].join(" ");
}

/** A word for a POSIX shell. */
function quote(word: string): string {
  const text = clean(word);
  return /^[\w./:@%+,-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
