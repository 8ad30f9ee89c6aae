/** The sides as the benchmark sees them: a process or a page each, that sets up a work and times it when told to. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Browser } from "./browser.ts";
import type { Session, Timing } from "./session.ts";
import type { Outputs } from "./task.ts";

export interface Side {
  open(): Promise<Outputs>;
  time(count: number): Promise<Timing>;
  close(): Promise<void>;
}

export interface PlainExamples {
  cols: number;
  x: number[];
  y: number[];
}
export interface Folds {
  scaled: PlainExamples;
  raw: PlainExamples;
}

export type Request =
  | { kind: "open"; library: string; work: string; folds?: Folds }
  | { kind: "time"; count: number };
export type Answer = { value: unknown } | { error: string };

/** A library in a Node process. */
export class NodeSide implements Side {
  readonly #child: ChildProcess;
  readonly #open: Request;

  constructor(library: string, work: string, folds?: Folds) {
    this.#child = fork(resolve("dist/bench/speed/worker.js"), {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#open = { kind: "open", library, work, folds };
  }

  open(): Promise<Outputs> {
    return this.#ask(this.#open) as Promise<Outputs>;
  }

  time(count: number): Promise<Timing> {
    return this.#ask({ kind: "time", count }) as Promise<Timing>;
  }

  async close(): Promise<void> {
    await end(this.#child);
  }

  async #ask(request: Request): Promise<unknown> {
    const ended = new AbortController();
    const failed = once(this.#child, "exit", ended).then(([code, signal]) => {
      throw new Error(`its process ended (${signal ?? code})`);
    });
    // Aborted once the answer is there.
    failed.catch(() => {});
    this.#child.send(request);
    try {
      const [answer] = (await Promise.race([once(this.#child, "message"), failed])) as [Answer];
      if ("error" in answer) throw new Error(answer.error);
      return answer.value;
    } finally {
      ended.abort();
    }
  }
}

/** A program that reads `open ARGUMENT` and `time COUNT`, a line each, and answers each with a line of JSON. */
export class ProgramSide implements Side {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #argument: string;

  constructor(command: string[], argument: string, env: Record<string, string> = {}) {
    const [program, ...rest] = command;
    this.#child = spawn(program, rest, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    this.#argument = argument;
  }

  open(): Promise<Outputs> {
    return this.#ask(`open ${this.#argument}`) as Promise<Outputs>;
  }

  async time(count: number): Promise<Timing> {
    return (await this.#ask(`time ${count}`)) as Timing;
  }

  async close(): Promise<void> {
    await end(this.#child);
  }

  async #ask(line: string): Promise<unknown> {
    this.#child.stdin!.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("its process ended");
    return JSON.parse(value);
  }
}

/** In the page. */
declare const session: Session;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A library in a page of its own. */
export class PageSide implements Side {
  readonly #browser: Browser;
  readonly #library: string;
  readonly #work: string;
  #page: Awaited<ReturnType<Browser["open"]>> | undefined;

  constructor(browser: Browser, library: string, work: string) {
    this.#browser = browser;
    this.#library = library;
    this.#work = work;
  }

  async open(): Promise<Outputs> {
    this.#page = await this.#browser.open();
    const names = [this.#library, this.#work] as [string, string];
    return this.#page.evaluate(([library, work]) => session.open(library, work), names);
  }

  time(count: number): Promise<Timing> {
    return this.#page!.evaluate((count) => session.time(count), count);
  }

  async close(): Promise<void> {
    await this.#page?.close();
  }
}
