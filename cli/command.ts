/** What a command is, and what it gets to speak through. */
import type { Flags, Values } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

export interface Command<F extends Flags = Flags, P extends string = string> {
  readonly name: string;
  readonly describe: string;
  /** Positional arguments in order: name → what it is. All are required; a last one that ends in `..` takes several. */
  readonly positionals: Readonly<Record<P, string>>;
  readonly flags: F;
  /** A real command line and what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /**
   * Loads what it needs only now, so that help, completion and refusals stay quick.
   * @returns the exit code
   */
  run(values: Values<F>, files: Files<P>, terminal: Terminal): Promise<number>;
}

export type Files<P extends string> = { [K in P]: K extends `${string}..` ? string[] : string };

/** Lets TypeScript infer the flags' types inside `run`. */
export function command<F extends Flags, P extends string>(spec: Command<F, P>): Command {
  return spec as unknown as Command;
}

export const EXIT = { done: 0, failure: 1, usage: 2, interrupted: 130, terminated: 143 } as const;
