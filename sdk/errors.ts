import { oneLine } from "./text.ts";

/**
 * What went wrong, for programs: `input` is the user's to mend (CLI exit 2), the rest are failures (exit 1).
 * `lost`: the GPU is gone, and with it all that it held; training goes on elsewhere.
 */
export type ErrorCode = "input" | "engine" | "lost" | "diverged" | "internal";

/**
 * The one error type of Makeit. `message` says what was expected and what came, in one line;
 * `hint` says how to fix it.
 */
export class MakeitError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint = "") {
    super(message);
    this.name = "MakeitError";
    this.code = code;
    this.hint = hint;
  }
}

/** Shorthand for the most common error: something about the user's input. What it quotes of that is made visible. */
export function inputError(message: string, hint = ""): MakeitError {
  return new MakeitError("input", oneLine(message), oneLine(hint));
}

/** Shorthand for what an engine refuses or fails at. */
export function engineError(message: string, hint?: string): MakeitError {
  return new MakeitError("engine", message, hint);
}
