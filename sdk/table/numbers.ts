/** What `scanNumber` saw besides the value. */
export interface Scan {
  /** Digits after the point as written (exponent applied). */
  written: number;
  /** The same without trailing zeros. */
  decimals: number;
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
/** 10⁰ … 10²², each exact. */
export const POWERS_OF_TEN = Array.from({ length: 23 }, (_, d) => Number(`1e${d}`));
/** More digits than this after the point are rounding noise: the column is taken as real numbers. */
export const MOST_DECIMALS = 15;

/**
 * The number that `text` spells in decimal notation, NaN when it spells none; `scan` receives the digits after the
 * point. Infinite when it is beyond 1.8·10³⁰⁸.
 */
export function scanNumber(text: string, scan: Scan): number {
  let mantissa = 0;
  let digits = 0;
  let point = -1;
  let i = 0;
  const first = text.charCodeAt(0);
  if (first === 45 || first === 43) i = 1;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 48 && c <= 57) {
      mantissa = mantissa * 10 + (c - 48);
      digits++;
    } else if (c === 46 && point < 0) point = digits;
    else return scanSlowly(text, scan);
  }
  // Up to 15 digits and powers of ten up to 10²² are exact in f64, so one division rounds correctly.
  if (digits === 0 || digits > 15) return scanSlowly(text, scan);
  const fraction = point < 0 ? 0 : digits - point;
  let zeros = 0;
  for (let j = text.length - 1; zeros < fraction && text.charCodeAt(j) === 48; j--) zeros++;
  scan.written = fraction;
  scan.decimals = fraction - zeros;
  const value = mantissa / POWERS_OF_TEN[fraction];
  return first === 45 ? 0 - value : value;
}

/** Exponents, spaces and long numbers. */
function scanSlowly(text: string, scan: Scan): number {
  const trimmed = text.trim();
  if (!NUMBER.test(trimmed)) return Number.NaN;
  const [mantissa, exponent = "0"] = trimmed.toLowerCase().split("e");
  const value = Number(trimmed);
  const fraction = mantissa.split(".")[1] ?? "";
  scan.written = Math.max(0, fraction.length - Number(exponent));
  scan.decimals = Number.isFinite(value) ? decimalsOf(value) : 0;
  return value + 0;
}

/**
 * Digits that name something rather than count it: a leading zero ("00501"), or a whole number beyond 2⁵³, which
 * would lose digits.
 */
export function isKey(text: string, value: number): boolean {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return /^\s*[+-]?\d+\s*$/.test(text);
  if (Number.isNaN(value) || text.charCodeAt(0) > 48 || text.charCodeAt(1) === 46) return false;
  return /^\s*[+-]?0\d+\s*$/.test(text);
}

/** "inf", "-Infinity" and the like. */
export function isInfinity(text: string): boolean {
  return /^[+-]?(?:inf|infinity|1\.#inf)$/i.test(text.trim());
}

/** Digits after the point of the shortest spelling of `value`. */
export function decimalsOf(value: number): number {
  const [mantissa, exponent = "0"] = String(value).split("e");
  const fraction = mantissa.split(".")[1] ?? "";
  return Math.max(0, fraction.length - Number(exponent));
}

/** The number in decimal notation, padded with zeros to `pad` digits after the point; 1.5e+300 beyond 2⁵³. */
export function formatNumber(value: number, pad = 0): string {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return value.toExponential();
  const text = String(value);
  if (pad === 0 || text.includes("e")) return text;
  const point = text.indexOf(".");
  const fraction = point < 0 ? 0 : text.length - point - 1;
  if (fraction >= pad) return text;
  return text + (point < 0 ? "." : "") + "0".repeat(pad - fraction);
}

/** `value` to `decimals` digits after the point: the double nearest to that decimal number. */
export function roundTo(value: number, decimals: number | undefined): number {
  if (decimals === undefined) return value;
  const power = POWERS_OF_TEN[decimals];
  const scaled = value * power;
  return Math.abs(scaled) < 2 ** 52 ? Math.round(scaled) / power + 0 : value;
}
