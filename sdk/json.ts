/**
 * JSON indented by two, lists of plain values on one line: a report of long histories stays readable.
 * NaN and infinities become null, as in `JSON.stringify`.
 */
export function toJson(value: unknown, indent = ""): string {
  const plain = JSON.stringify(value) ?? "null";
  if (typeof value !== "object" || value === null || plain === "[]" || plain === "{}") return plain;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = value.every((item) => typeof item !== "object" || item === null);
    if (flat) return `[${value.map((item) => JSON.stringify(item) ?? "null").join(", ")}]`;
    return `[\n${value.map((item) => inner + toJson(item, inner)).join(",\n")}\n${indent}]`;
  }
  const entries = Object.entries(value).filter(
    ([, item]) => item !== undefined && typeof item !== "function",
  );
  const lines = entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${toJson(item, inner)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
