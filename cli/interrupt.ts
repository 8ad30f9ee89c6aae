/** Ctrl-C: the first asks to finish, the second leaves at once. */
import { EXIT } from "./command.ts";
import { discardAll } from "./output.ts";
import type { Terminal } from "./terminal.ts";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Back to the default: the next Ctrl-C ends the process. */
  dispose(): void;
}

/** Listens to SIGINT and SIGTERM while a command runs that can finish early. */
export function listenToInterrupt(terminal: Terminal): Interrupt {
  const controller = new AbortController();
  const listen = () => {
    if (controller.signal.aborted) {
      discardAll();
      process.exit(EXIT.interrupted);
    }
    terminal.note(
      "\nInterrupted: finishing with the best so far. Once more leaves at once, with nothing written.",
    );
    controller.abort();
  };
  process.on("SIGINT", listen);
  process.on("SIGTERM", listen);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off("SIGINT", listen);
      process.off("SIGTERM", listen);
    },
  };
}
