/** Text in pictures: made safe, measured by a table, shortened, wrapped; and numbers as people write them. */

/** Advance widths in em of a wide common sans-serif, so that what is measured here fits in any of them. */
const WIDTHS: [number, string][] = [
  [0.3, "'ijlIJ"],
  [0.34, " ,.:;/|\\·"],
  [0.42, "()[]t!rf-"],
  [0.53, '*_`sz?"–'],
  [0.58, "cFkLvxy"],
  [0.7, "AVKBRXZCT"],
  [0.77, "UHNDG&OQ"],
  [0.85, "w#+<=>^~M≤≥≈±×−"],
  [1, "%mW@…"],
];
const WIDTH = new Map(
  WIDTHS.flatMap(([width, letters]) => [...letters].map((letter) => [letter, width] as const)),
);
const NARROWEST = 0.3;
const BOLD = 1.12;

/** What a letter outside the table takes: Latin, Greek and Cyrillic about 0.65 em, everything beyond (CJK, emoji) more. */
function letterWidth(letter: string): number {
  return WIDTH.get(letter) ?? (letter.codePointAt(0)! < 0x1100 ? 0.65 : 1.3);
}

/** The width in px of `text` at `size` px: an upper estimate, the same on every machine. */
export function textWidth(text: string, size: number, bold = false): number {
  let em = 0;
  for (const letter of text) em += letterWidth(letter);
  return em * size * (bold ? BOLD : 1);
}

// What XML 1.0 cannot hold (controls, lone surrogates, non-characters), and what reorders the text around it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|[\ud800-\udfff]/gu;
const REORDERING = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** `text` on one line, with nothing in it that XML forbids or that reorders its surroundings. */
export function clean(text: string): string {
  return String(text).replace(UNSAFE, "\ufffd").replace(REORDERING, "").replace(/\s+/gu, " ").trim();
}

/** `text` cut in its middle to at most `width` px; names often differ at their ends, so both ends stay. */
export function shorten(text: string, width: number, size: number, bold = false): string {
  if (textWidth(text, size, bold) <= width) return text;
  const letters = [...text];
  const most = Math.ceil(width / (NARROWEST * size));
  for (let keep = Math.min(letters.length - 1, most); keep > 1; keep--) {
    const head = Math.ceil(keep * 0.6);
    const short = `${letters.slice(0, head).join("").trimEnd()}…${letters
      .slice(letters.length - keep + head)
      .join("")
      .trimStart()}`;
    if (textWidth(short, size, bold) <= width) return short;
  }
  return letters.length > 1 ? `${letters[0]}…` : text;
}

/** `text` in at most `lines` lines of `width` px, broken after a space, `_`, `-` or `/`; the last line holds the rest. */
export function wrap(text: string, width: number, size: number, lines: number, bold = false): string[] {
  const out: string[] = [];
  for (const word of text.split(/(?<=[ _/-])/u)) {
    const last = out.length - 1;
    const fits = last >= 0 && textWidth((out[last] + word).trimEnd(), size, bold) <= width;
    if (fits || out.length === lines) out[last] += word;
    else out.push(word);
  }
  return out.map((line) => line.trimEnd());
}

/** `value` to `digits` significant digits, with a true minus; "–" when it is not a number. */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return value === Infinity ? "∞" : value === -Infinity ? "−∞" : "–";
  return String(Number(value.toPrecision(digits))).replace(/-/g, "−");
}

/** `value` with `decimals` decimals and a comma every three digits. */
export function formatFixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return formatNumber(value);
  if (Math.abs(value) >= 1e15) return formatNumber(value);
  const [whole, fraction] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const text = fraction ? `${grouped}.${fraction}` : grouped;
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** An importance: three decimals, as a column of them reads best. */
export function formatImportance(value: number): string {
  return Math.abs(value) < 1000 ? formatFixed(value, 3) : formatNumber(value, 3);
}

/** A count; fractional counts (weights) keep one decimal. */
export function formatCount(value: number): string {
  return formatFixed(value, Number.isInteger(Math.round(value * 10) / 10) ? 0 : 1);
}

/** A share of 1 in percent: "3.2 %", "43 %". */
export function formatPercent(share: number): string {
  return `${formatNumber(share * 100, Math.abs(share) < 0.1 ? 2 : 3)} %`;
}
