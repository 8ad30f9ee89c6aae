/** An encoder's state as it comes from a file: every field is checked before anything is computed with it. */
import { inputError } from "../errors.ts";
import { datePattern } from "./dates.ts";
import type { EncoderState } from "./encoder.ts";
import { MOST_COLUMNS } from "./limits.ts";
import { MOST_DECIMALS } from "./numbers.ts";
import { HALF } from "./roles.ts";
import { type Format, parseValue, type Role } from "./table.ts";

const ROLES: readonly Role[] = ["numeric", "integer", "boolean", "categorical", "datetime", "constant"];
/** What a Date can hold, in milliseconds on either side of 1970. */
const FARTHEST = 8.64e15;

type Fields = Record<string, unknown>;

/** @throws inputError that names the first thing that an encoder never writes */
export function checkState(value: unknown): EncoderState {
  const { fields, target, image, components } = object(value, "an encoder");
  const list = array(fields, "its fields");
  need(list.length > 0, "no fields");
  const names = list.map(checkField);
  names.push(checkTarget(target, list.length));
  need(
    names.every((name) => name === name.trim()),
    "a column's name",
  );
  need(new Set(names).size === names.length, "two columns of one name");
  if (image !== undefined) checkImage(object(image, "its image"), list.length);
  if (components !== undefined) checkComponents(object(components, "its components"));
  return value as EncoderState;
}

/** An image has a column for each of its pixels' channels, of which some may have been dropped. */
function checkImage({ width, height, channels }: Fields, fields: number): void {
  need(channels === 1 || channels === 3, "the channels of its images");
  need(whole(width) && whole(height), "the size of its images");
  const pixels = (width as number) * (height as number) * (channels as number);
  need(pixels > 0 && pixels <= Math.max(MOST_COLUMNS, fields), "the size of its images");
}

function checkComponents({ count, features, basis, scale }: Fields): void {
  const [rows, columns] = [count, features] as number[];
  const fits = (list: unknown, length: number) => list instanceof Float32Array && list.length === length;
  need(whole(count) && whole(features), "the sizes of its components");
  need(fits(basis, rows * columns) && fits(scale, rows), "its components");
}

/** @returns the column's name */
function checkField(value: unknown): string {
  const field = object(value, "a field");
  const column = text(field.column, "a column's name");
  need(ROLES.includes(field.role as Role), `the role of "${column}"`);
  need(["none", "some", "all"].includes(field.missing as string), `what is missing in "${column}"`);
  if (field.kind === "number") checkNumber(field, column);
  else {
    need(field.kind === "onehot" || field.kind === "frequency", `the kind of "${column}"`);
    const count = words(field.categories, `the categories of "${column}"`).length;
    if (field.kind === "onehot") checkMode(field, count, column);
    else checkFrequencies(field, count, column);
  }
  return column;
}

function checkNumber(field: Fields, column: string): void {
  const format = checkFormat(field.format, column);
  const [min, max] = [finite(field, "min"), finite(field, "max")];
  for (const name of ["shift", "fill"]) finite(field, name);
  need(finite(field, "scale") >= 0 && min <= max, `the range of "${column}"`);
  if (format.words) need(isBit(min) && isBit(max), `the range of "${column}"`);
  if (format.pattern) need(Math.max(-min, max) <= FARTHEST, `the range of "${column}"`);
}

const isBit = (value: number) => value === 0 || value === 1;

function checkMode({ mode, missing }: Fields, count: number, column: string): void {
  const none = count === 0 && missing === "all";
  need(none || (whole(mode) && (mode as number) < count), `the most frequent category of "${column}"`);
}

function checkFrequencies(field: Fields, count: number, column: string): void {
  const counts = array(field.counts, `the counts of "${column}"`);
  need(count > 0 && counts.length === count, `the counts of "${column}"`);
  need(
    counts.every((n) => whole(n) && (n as number) > 0),
    `the counts of "${column}"`,
  );
  need(whole(field.rows) && (field.rows as number) > 0, `the rows of "${column}"`);
  for (const name of ["shift", "fill"]) finite(field, name);
  need(finite(field, "scale") >= 0, `the scale of "${column}"`);
}

function checkFormat(value: unknown, column: string): Format {
  const format = object(value, `the format of "${column}"`);
  const { decimals, pad, comma = false, words: pair, pattern } = format;
  const digits = (n: unknown) => n === undefined || (whole(n) && (n as number) <= MOST_DECIMALS);
  need(digits(decimals) && digits(pad) && typeof comma === "boolean", `the digits of "${column}"`);
  if (pair !== undefined)
    need(words(pair, `the words of "${column}"`).length === 2, `the words of "${column}"`);
  if (pattern !== undefined) need(datePattern(text(pattern, "a pattern")), `the dates of "${column}"`);
  return format as Format;
}

function checkTarget(value: unknown, fields: number): string {
  const target = object(value, "its target");
  const column = text(target.column, "the target's name");
  const classes = words(target.classes, "the classes");
  need(classes.length >= 2 && classes.every((name) => name !== ""), "the classes");
  need(whole(target.position) && (target.position as number) <= fields, "where the target stands");
  need(ROLES.includes(target.role as Role), "the target's role");
  const format = checkFormat(target.format, column);
  const flags = [target.isText, target.oneAgainstRest];
  need(
    flags.every((flag) => typeof flag === "boolean"),
    "what the target is",
  );
  const spelled = flags.includes(true) || classes.every((name) => Number.isFinite(parseValue(name, format)));
  need(spelled, "how the classes are spelled");
  return column;
}

function need(holds: boolean, what: string): void {
  if (!holds)
    throw inputError(`This is not an encoder's state: ${what}.`, "Pass what toJSON of an encoder gave.");
}

function object(value: unknown, what: string): Fields {
  need(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is missing`);
  return value as Fields;
}

function array(value: unknown, what: string): unknown[] {
  need(Array.isArray(value), `${what} are missing`);
  return value as unknown[];
}

function words(value: unknown, what: string): string[] {
  const list = array(value, what);
  need(list.every(isText) && new Set(list).size === list.length, what);
  return list as string[];
}

function isText(value: unknown): boolean {
  return typeof value === "string" && !HALF.test(value);
}

function text(value: unknown, what: string): string {
  need(isText(value) && value !== "", what);
  return value as string;
}

function whole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function finite(fields: Fields, name: string): number {
  need(Number.isFinite(fields[name]), `${name} is no number`);
  return fields[name] as number;
}
