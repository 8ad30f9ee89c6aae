// JSON escapes the old controls itself; these too would be obeyed by a screen, or end a line of a script.
const HIDDEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** `JSON.stringify` in characters that can be printed anywhere. */
function stringify(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.replace(HIDDEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * JSON indented by two, lists of plain values on one line: a report of long histories stays readable.
 * NaN and infinities become null, as in `JSON.stringify`.
 */
export function toJson(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = value.every((item) => typeof item !== "object" || item === null);
    if (flat) return `[${value.map(stringify).join(", ")}]`;
    return `[\n${value.map((item) => inner + toJson(item, inner)).join(",\n")}\n${indent}]`;
  }
  const entries = Object.entries(value).filter(
    ([, item]) => item !== undefined && typeof item !== "function",
  );
  if (entries.length === 0) return "{}";
  const lines = entries.map(([key, item]) => `${inner}${stringify(key)}: ${toJson(item, inner)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
