/**
 * Calls across to a worker: a method's arguments go over, its answer or its error comes back. Beside them the worker
 * may tell events, which nobody answers.
 */
import { type ErrorCode, MakeitError } from "../sdk/errors.ts";

// biome-ignore lint/suspicious/noExplicitAny: arguments are what the method says they are
type Methods = Record<string, (...args: any[]) => unknown>;

/** The same methods, seen from the other side. */
export type Remote<M extends Methods> = {
  [K in keyof M]: (...args: Parameters<M[K]>) => Promise<Awaited<ReturnType<M[K]>>>;
};

/** An error as it crosses between threads: cloning would drop what makes it a MakeitError. */
export interface Failure {
  code: ErrorCode;
  message: string;
  hint: string;
}

type Answer = { id: number } & ({ value: unknown } | { failure: Failure });
type Message = Answer | { event: unknown };

export function failureOf(error: unknown): Failure {
  if (error instanceof MakeitError) return { code: error.code, message: error.message, hint: error.hint };
  if (error instanceof RangeError && /alloc|memory|array length/i.test(error.message)) {
    return { code: "engine", message: "There is not enough memory for this.", hint: "Take fewer rows." };
  }
  const message = error instanceof Error ? error.message || error.name : String(error);
  return { code: "internal", message: `Unexpected error: ${message}`, hint: "This is a fault of Makeit." };
}

export const errorOf = ({ code, message, hint }: Failure) => new MakeitError(code, message, hint);

/** The worker's side: answers calls of `methods`. */
export function serve(methods: Methods): void {
  addEventListener("message", async ({ data: { id, method, args } }) => {
    try {
      postMessage({ id, value: await methods[method](...args) } satisfies Answer);
    } catch (error) {
      postMessage({ id, failure: failureOf(error) } satisfies Answer);
    }
  });
}

/** The page's side: `worker`'s methods as if they were here. */
export function remote<M extends Methods, E>(worker: Worker, onEvent: (event: E) => void): Remote<M> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  worker.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if ("event" in data) return onEvent(data.event as E);
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if ("failure" in data) call?.reject(errorOf(data.failure));
    else call?.resolve(data.value);
  });
  worker.addEventListener("error", ({ message }) => {
    const error = errorOf(failureOf(message || "a part of the page could not be loaded"));
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  const call =
    (method: string) =>
    (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        const id = ++calls;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, method, args });
      });
  return new Proxy({} as Remote<M>, { get: (_, method: string) => call(method) });
}
