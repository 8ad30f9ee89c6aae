/** Ctrl-C, or a polite kill: the first asks to finish, the second leaves at once. */
import { EXIT } from "./command.ts";
import { discardAll } from "./output.ts";
import type { Terminal } from "./terminal.ts";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** The exit code that goes with what was sent. */
  readonly code: number;
  /** Back to the default: the next Ctrl-C ends the process. */
  dispose(): void;
}

const CODES: Partial<Record<NodeJS.Signals, number>> = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated };

/**
 * Listens to SIGINT and SIGTERM while a command runs that can finish early.
 * @param leaving what stays behind when one leaves at once, as the end of a sentence
 * @param finishing what happens before it leaves by itself
 */
export function listenToInterrupt(
  terminal: Terminal,
  leaving: string,
  finishing = "finishing with the best so far",
): Interrupt {
  const controller = new AbortController();
  let code: number = EXIT.interrupted;
  const listen = (signal: NodeJS.Signals) => {
    code = CODES[signal] ?? code;
    if (controller.signal.aborted) {
      discardAll();
      process.exit(code);
    }
    terminal.note(`\nInterrupted: ${finishing}. Once more leaves at once, ${leaving}.`);
    controller.abort();
  };
  process.on("SIGINT", listen);
  process.on("SIGTERM", listen);
  return {
    signal: controller.signal,
    get code() {
      return code;
    },
    dispose: () => {
      process.off("SIGINT", listen);
      process.off("SIGTERM", listen);
    },
  };
}
