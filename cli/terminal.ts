/** Standard output for results, standard error for everything said on the way. */
import { MakeitError } from "../sdk/errors.ts";
import { toJson } from "../sdk/json.ts";
import { oneLine, visible } from "../sdk/text.ts";

interface Stream {
  write(data: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
  isTTY?: boolean;
  columns?: number;
}

export interface TerminalOptions {
  stdout: Stream;
  stderr: Stream;
  quiet?: boolean;
  json?: boolean;
}

export class Terminal {
  readonly quiet: boolean;
  readonly json: boolean;
  readonly #stdout: Stream;
  readonly #stderr: Stream;

  constructor({ stdout, stderr, quiet = false, json = false }: TerminalOptions) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.quiet = quiet;
    this.json = json;
  }

  /** Whether a live bar can be drawn. */
  get live(): boolean {
    return this.#stderr.isTTY === true && !this.quiet;
  }

  /** Result for people; nothing with `--json` or `--quiet`. */
  async show(text: string): Promise<void> {
    if (!this.json && !this.quiet) await this.write(`${visibleLines(text)}\n`);
  }

  /** Data as they are, but for a screen: control characters would be obeyed there. */
  async data(data: string | Uint8Array): Promise<void> {
    const shown = this.#stdout.isTTY && typeof data === "string";
    await this.write(shown ? visibleLines(data) : data);
  }

  /** The one JSON object of `--json`. */
  async object(value: unknown): Promise<void> {
    if (this.json) await this.write(`${toJson(value)}\n`);
  }

  /** Writes to standard output and waits until it is taken, so that an exit loses nothing. */
  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stdout.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** What happens on the way; not with `--quiet`. */
  note(text: string): void {
    if (!this.quiet) this.#stderr.write(`${visibleLines(text)}\n`);
  }

  warn(text: string): void {
    this.#stderr.write(`makeit: warning: ${oneLine(text)}\n`);
  }

  /** An error in one line, and a second one with what to do. */
  error(message: string, hint = ""): void {
    this.#stderr.write(`makeit: ${oneLine(message)}\n${hint ? `  ${oneLine(hint)}\n` : ""}`);
  }
}

/** Text whose line ends and tabs are ours, and whose words may be anybody's. */
function visibleLines(text: string): string {
  return text.replace(/[^\n\t]+/g, visible);
}

/** A cell of a table on the screen is no longer than this. */
const WIDEST = 200;

const cut = (cell: string) => (cell.length > WIDEST ? `${cell.slice(0, WIDEST)}…` : cell);

/** Rows of cells as aligned text, each cell on one line; `right` names the columns that hold numbers. */
export function textTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  const lines = rows.map((row) => row.map((cell) => visible(cut(cell))));
  for (const line of lines)
    for (const [j, cell] of line.entries()) widths[j] = Math.max(widths[j] ?? 0, cell.length);
  const pad = (cell: string, j: number) =>
    right.includes(j) ? cell.padStart(widths[j]) : cell.padEnd(widths[j]);
  return lines.map((line) => `  ${line.map(pad).join("  ")}`.trimEnd()).join("\n");
}

/** 75 → "1 min 15 s" */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, hours] = [Math.floor(whole / 60), Math.floor(whole / 3600)];
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min ${whole % 60} s`;
}

/** 0.51234 → "0.512", "–" where there is no number. */
export function score(value: number | null | undefined): string {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(3) : "–";
}

/** Shares below 10 % keep one digit. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** Tells the user what went wrong. @returns the exit code: 2 for what is theirs to mend, else 1 */
export async function reportError(error: unknown, terminal: Terminal): Promise<number> {
  const known = error instanceof MakeitError || isFileError(error);
  const { message, hint, code } = describeError(error);
  terminal.error(message, hint);
  if (process.env.MAKEIT_DEBUG && error instanceof Error) terminal.note(error.stack ?? "");
  await terminal.object({ error: { code, message, hint } });
  return known && code === "input" ? 2 : 1;
}

function describeError(error: unknown): { message: string; hint: string; code: string } {
  if (error instanceof MakeitError) return { message: error.message, hint: error.hint, code: error.code };
  if (isFileError(error)) return fileError(error);
  const message = error instanceof Error ? error.message || error.name : String(error);
  return {
    message: `Unexpected error: ${message}`,
    hint: "This is a fault of Makeit. Run it again with MAKEIT_DEBUG=1 for the details.",
    code: "internal",
  };
}

type FileError = NodeJS.ErrnoException & { path: string };

function isFileError(error: unknown): error is FileError {
  const { code, path } = (error ?? {}) as Partial<FileError>;
  return typeof code === "string" && typeof path === "string";
}

const FILE_ERRORS: Record<string, [message: string, hint: string]> = {
  ENOENT: ["does not exist", "Check the path."],
  EACCES: ["is not accessible", "Check its permissions, or take another path."],
  EPERM: ["is not accessible", "Check its permissions, or take another path."],
  EROFS: ["is on a read-only file system", "Take another path."],
  EISDIR: ["is a folder", "Name a file."],
  ENOTDIR: ["leads through a file that is not a folder", "Check the path."],
  ENOSPC: ["cannot be written: the disk is full", "Make room, or take another path."],
};

function fileError({ code = "", path, message }: FileError): { message: string; hint: string; code: string } {
  const [what, hint] = FILE_ERRORS[code] ?? [`failed: ${message}`, ""];
  return { message: `${path} ${what}.`, hint, code: FILE_ERRORS[code] ? "input" : "internal" };
}
