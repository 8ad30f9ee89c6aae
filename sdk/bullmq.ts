/** What is used of the optional package bullmq, and the way to a Redis server. */
import { inputError, MakeitError } from "./errors.ts";
import { optional } from "./store.ts";
import { VERSION } from "./version.ts";

export interface Job<T = unknown> {
  id: string;
  name: string;
  data: T;
  progress: unknown;
  returnvalue: unknown;
  failedReason?: string;
  /** How often it failed, and how often its worker was lost. */
  attemptsMade: number;
  stalledCounter?: number;
  /** Why it failed, each time. */
  stacktrace?: string[] | null;
  updateProgress(progress: object): Promise<void>;
  getState(): Promise<string>;
  getChildrenValues<V>(): Promise<Record<string, V>>;
  getIgnoredChildrenFailures(): Promise<Record<string, string>>;
  moveToDelayed(until: number, token?: string): Promise<void>;
  remove(): Promise<void>;
}

interface Connected {
  on(event: string, listener: (...args: never[]) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(force?: boolean): Promise<void>;
}

export interface Queue extends Connected {
  getJob<T>(id: string): Promise<Job<T> | undefined>;
  getWorkersCount(): Promise<number>;
}

export interface Worker extends Connected {
  run(): Promise<void>;
  pause(doNotWaitActive?: boolean): Promise<void>;
}

interface FlowJob {
  name: string;
  queueName: string;
  data: unknown;
  opts: object;
  children?: FlowJob[];
}

interface FlowProducer extends Connected {
  add(flow: FlowJob): Promise<unknown>;
}

export type Processor = (job: Job<never>, token?: string) => Promise<unknown>;

interface Bullmq {
  Queue: new (name: string, options: object) => Queue;
  QueueEvents: new (name: string, options: object) => Connected;
  FlowProducer: new (options: object) => FlowProducer;
  Worker: new (name: string, processor: Processor, options: object) => Worker;
  /** Thrown for what trying again does not mend. */
  UnrecoverableError: new (
    message?: string,
  ) => Error;
  /** Thrown when the processor has put the job back itself. */
  DelayedError: new (
    message?: string,
  ) => Error;
}

/** Workers of another version never see the jobs: their results would be refused. */
export const QUEUE = `makeit-${VERSION}`;

/** A server that was reached, and makers of what talks to it. */
export class Redis {
  /** Without credentials. */
  readonly name: string;
  readonly bullmq: Bullmq;
  readonly #connection: object;
  readonly #open = new Set<Connected>();
  #warned = "";
  readonly #warn: (message: string) => void;

  private constructor(url: URL, env: NodeJS.ProcessEnv, warn: (message: string) => void) {
    this.name = `${url.protocol}//${url.host}${url.pathname.replace(/^\/$/, "")}`;
    this.bullmq = optional<Bullmq>("bullmq", "A queue");
    this.#warn = warn;
    this.#connection = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || 6379),
      username: decodeURIComponent(url.username) || undefined,
      password: env.MAKEIT_QUEUE_PASSWORD ?? (decodeURIComponent(url.password) || undefined),
      db: Number(url.pathname.slice(1) || 0),
      ...(url.protocol === "rediss:" && { tls: {} }),
      connectTimeout: 10_000,
    };
  }

  /**
   * @param url `redis://host`, with TLS `rediss://host`; a password is better given by MAKEIT_QUEUE_PASSWORD than in it
   * @param warn told when the server is lost later on; it is waited for
   * @throws MakeitError when there is no server, it lets nobody in, or is too old
   */
  static async reach(
    url: string,
    warn: (message: string) => void = () => {},
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<Redis> {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (!parsed || !/^rediss?:$/.test(parsed.protocol) || !/^\/?\d*$/.test(parsed.pathname)) {
      throw inputError(
        "--queue is no address of a Redis server.",
        "Expected redis://host:6379, or rediss://host:6379 for TLS; a number after a slash is the database.",
      );
    }
    const redis = new Redis(parsed, env, warn);
    await redis.#try();
    return redis;
  }

  queue(): Queue {
    return this.#made(new this.bullmq.Queue(QUEUE, this.#options({})));
  }

  events(): Connected {
    return this.#made(new this.bullmq.QueueEvents(QUEUE, this.#options({ maxRetriesPerRequest: null })));
  }

  flows(): FlowProducer {
    return this.#made(new this.bullmq.FlowProducer(this.#options({})));
  }

  worker(processor: Processor, options: object): Worker {
    const all = { ...this.#options({ maxRetriesPerRequest: null }), ...options };
    return this.#made(new this.bullmq.Worker(QUEUE, processor, all));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((one) => one.close().catch(() => {})));
  }

  #options(connection: object) {
    return { connection: { ...this.#connection, ...connection } };
  }

  #made<T extends Connected>(one: T): T {
    this.#open.add(one);
    one.on("error", (error: Error) => {
      const message = `The queue ${this.name}: ${reasonOf(error)}`;
      if (message !== this.#warned) this.#warn(message);
      this.#warned = message;
    });
    return one;
  }

  /** One connection that does not try again: what is wrong is told at once. */
  async #try(): Promise<void> {
    const fail: { error?: Error } = {};
    const connection = { maxRetriesPerRequest: 0, retryStrategy: () => null };
    const queue = new this.bullmq.Queue(QUEUE, this.#options(connection));
    queue.on("error", (error: Error) => {
      fail.error ??= error;
    });
    try {
      await queue.waitUntilReady();
    } catch (error) {
      throw this.#refusal(fail.error ?? (error as Error));
    } finally {
      await queue.close().catch(() => {});
    }
  }

  #refusal(error: Error): MakeitError {
    const { message } = error;
    const what = `The queue ${this.name}`;
    if (/NOAUTH|WRONGPASS|NOPERM|invalid password/i.test(message)) {
      return inputError(
        `${what} lets nobody in with that name and password (${reasonOf(error)}).`,
        "Give the password in MAKEIT_QUEUE_PASSWORD, and a user's name in the address: redis://name@host.",
      );
    }
    if (/version needs to be/i.test(message)) {
      return inputError(`${what} is too old: ${reasonOf(error)}.`, "Take Redis 6.2 or later, or Valkey.");
    }
    return new MakeitError(
      "internal",
      `${what} cannot be reached (${reasonOf(error)}).`,
      "Is redis-server running there? rediss:// is for TLS; NODE_EXTRA_CA_CERTS names a certificate authority of your own.",
    );
  }
}

function reasonOf(error: Error & { code?: string; errors?: Error[] }): string {
  const { message, code, errors = [] } = error;
  return (message || errors[0]?.message || code || error.name).replace(/\.$/, "");
}
