import { POWERS_OF_TEN, roundTo } from "./numbers.ts";

/**
 * Date-times in the handful of spellings that tables use. A pattern is made of YYYY MM M DD D HH mm ss S… and
 * literals; a zone is a literal too (`Z`, `+02:00`), one for the whole column: UTC where cells have several.
 */
const DATE =
  /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:([ T])(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?( ?(?:Z|[+-]\d{2}:?\d{2}))?)?$/;
const DAY = "(?:YYYY(?<a>[-/.])MM?\\k<a>DD?|MM?(?<b>[-/.])DD?\\k<b>YYYY|DD?(?<c>[-/.])MM?\\k<c>YYYY)";
const CLOCK = "(?:[ T]HH:mm(?::ss(?:\\.S{1,6})?)?(?: ?(?:Z|[+-]\\d{2}:?\\d{2}))?)?";
const PATTERN = new RegExp(`^${DAY}${CLOCK}$`);
const TOKEN = /YYYY|MM?|DD?|HH|mm|ss|S+/g;

/** The parts of one spelled date-time, before it is known whether day or month comes first. */
interface Parts {
  numbers: [string, string, string];
  separator: string;
  join: string;
  time: [string, string, string];
  fraction: string;
  zone: string;
}

type Order = "YMD" | "MDY" | "DMY";

/** A column's date-times: the pattern, one number a word (NaN where a word is no date), a doubt worth a warning. */
export interface Dates {
  pattern: string;
  millis: Float64Array;
  /** Day-first and month-first both fit every word. */
  ambiguous: boolean;
}

/**
 * Reads words as dates of one pattern. Words that do not fit the first date's shape are NaN.
 * Returns undefined when no word is a date.
 */
export function parseDates(words: readonly string[]): Dates | undefined {
  const parts = words.map(split);
  const first = parts.find((p) => p !== undefined);
  if (!first) return undefined;
  const alike = parts.map((p) => (p && sameShape(p, first) ? p : undefined));
  const known = alike.filter((p) => p !== undefined);
  const order = orderOf(known);
  const millis = Float64Array.from(alike, (p) => (p ? toMillis(p, order) : Number.NaN));
  return { pattern: patternOf(known, order), millis, ambiguous: order !== "YMD" && !decided(known) };
}

/** Whether dates are written like this: whether `parseDates` can have found it. */
export function datePattern(pattern: string): boolean {
  return PATTERN.test(pattern);
}

function split(word: string): Parts | undefined {
  const m = DATE.exec(word.trim());
  if (!m) return undefined;
  const yearFirst = m[1].length === 4;
  if (yearFirst ? m[4].length > 2 : m[4].length !== 4 || m[1].length > 2) return undefined;
  return {
    numbers: [m[1], m[3], m[4]],
    separator: m[2],
    join: m[5] ?? "",
    time: [m[6] ?? "", m[7] ?? "", m[8] ?? ""],
    fraction: m[9] ?? "",
    zone: m[10] ?? "",
  };
}

function sameShape(a: Parts, b: Parts): boolean {
  return (
    a.separator === b.separator &&
    a.join === b.join &&
    (a.zone === "") === (b.zone === "") &&
    (a.time[2] === "") === (b.time[2] === "") &&
    (a.numbers[0].length === 4) === (b.numbers[0].length === 4)
  );
}

function orderOf(parts: readonly Parts[]): Order {
  if (parts[0].numbers[0].length === 4) return "YMD";
  if (parts.some((p) => Number(p.numbers[0]) > 12)) return "DMY";
  // 3.4.2020 is a European spelling; 3/4/2020 is read the American way unless a day beyond 12 says otherwise.
  if (parts[0].separator !== "/" && !parts.some((p) => Number(p.numbers[1]) > 12)) return "DMY";
  return "MDY";
}

function decided(parts: readonly Parts[]): boolean {
  return parts.some((p) => Number(p.numbers[0]) > 12 || Number(p.numbers[1]) > 12);
}

function toMillis(p: Parts, order: Order): number {
  const [a, b, c] = p.numbers.map(Number);
  const [year, month, day] = order === "YMD" ? [a, b, c] : order === "MDY" ? [c, a, b] : [c, b, a];
  const [hours, minutes, seconds] = p.time.map(Number);
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN;
  if (hours > 23 || minutes > 59 || seconds > 59) return Number.NaN;
  const clock = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return date.getTime() + clock + Number(p.fraction.padEnd(6, "0")) / 1000 - offset(p.zone);
}

/** Milliseconds that a zone is ahead of UTC. */
function offset(zone: string): number {
  const m = /([+-])(\d{2}):?(\d{2})/.exec(zone);
  return m ? (m[1] === "-" ? -1 : 1) * (Number(m[2]) * 60 + Number(m[3])) * 60_000 : 0;
}

function patternOf(parts: readonly Parts[], order: Order): string {
  const [month, day] = order === "DMY" ? [1, 0] : order === "MDY" ? [0, 1] : [1, 2];
  const short = parts.some((p) => p.numbers[month].length === 1 || p.numbers[day].length === 1);
  const names = { Y: "YYYY", M: short ? "M" : "MM", D: short ? "D" : "DD" };
  const { separator, join, time } = parts[0];
  // Where summer time changes the zone, UTC has none to change.
  const zone = parts.every((p) => p.zone === parts[0].zone) ? parts[0].zone : "Z";
  const date = [...order].map((letter) => names[letter as "Y" | "M" | "D"]).join(separator);
  if (join === "") return date;
  const fraction = "S".repeat(parts.reduce((most, p) => Math.max(most, p.fraction.length), 0));
  const seconds = time[2] === "" ? "" : `:ss${fraction && `.${fraction}`}`;
  return `${date}${join}HH:mm${seconds}${zone}`;
}

/** Writes milliseconds since 1970 UTC by a pattern. */
export function formatDate(millis: number, pattern: string): string {
  const local = millis + zoneOffset(pattern);
  // Apart, for together they exceed 2⁵³ from the year 2255 on.
  const micros = Math.round((local - Math.floor(local)) * 1000);
  const date = new Date(Math.floor(local) + Math.floor(micros / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  return pattern.replace(TOKEN, (token) => {
    if (token === "YYYY") return String(date.getUTCFullYear()).padStart(4, "0");
    if (token === "MM") return two(date.getUTCMonth() + 1);
    if (token === "M") return String(date.getUTCMonth() + 1);
    if (token === "DD") return two(date.getUTCDate());
    if (token === "D") return String(date.getUTCDate());
    if (token === "HH") return two(date.getUTCHours());
    if (token === "mm") return two(date.getUTCMinutes());
    if (token === "ss") return two(date.getUTCSeconds());
    const fraction = date.getUTCMilliseconds() * 1000 + (micros % 1000);
    return String(fraction).padStart(6, "0").slice(0, token.length);
  });
}

/** Milliseconds that a pattern's clock is ahead of UTC. */
export function zoneOffset(pattern: string): number {
  return offset(zoneOf(pattern));
}

function zoneOf(pattern: string): string {
  return /[+-]\d{2}:?\d{2}$/.exec(pattern)?.[0] ?? "";
}

/** Reads one word by a known pattern; NaN when it does not fit. */
export function parseDate(word: string, pattern: string): number {
  const parts = split(word);
  if (!parts) return Number.NaN;
  const order = pattern.startsWith("Y") ? "YMD" : pattern.startsWith("M") ? "MDY" : "DMY";
  return toMillis(parts, order);
}

/** The smallest step of a pattern: in milliseconds, or as digits of a second's fraction. */
export interface DateStep {
  millis: number;
  digits: number;
}

export function dateStep(pattern: string): DateStep {
  const digits = /S+/.exec(pattern)?.[0].length ?? 0;
  return { digits, millis: pattern.includes("ss") ? 1000 : pattern.includes("mm") ? 60_000 : 86_400_000 };
}

/** The nearest date-time of that step. */
export function roundDate(millis: number, step: DateStep): number {
  if (step.digits > 3) return roundTo(millis, step.digits - 3);
  const unit = step.digits > 0 ? POWERS_OF_TEN[3 - step.digits] : step.millis;
  return Math.round(millis / unit) * unit;
}
