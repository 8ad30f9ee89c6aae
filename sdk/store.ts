/**
 * Where the tables and results of a run travel from machine to machine: a folder that they share, or an HTTP or
 * S3-compatible server. Objects go by the SHA-256 of their bytes, which is checked when they come back; notes go by a
 * name and change.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { writeDurably } from "./checkpoints.ts";
import { inputError, MakeitError } from "./errors.ts";

/** Tries of a request, and the pause after the first of them; it doubles. */
const TRIES = 4;
const PAUSE_MS = 250;

/** Files by their path. */
interface Drive {
  has(path: string): Promise<boolean>;
  read(path: string): Promise<Uint8Array | undefined>;
  write(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
}

export class Store {
  /** What people are told; without credentials. */
  readonly name: string;
  readonly #drive: Drive;

  constructor(name: string, drive: Drive) {
    this.name = name;
    this.#drive = drive;
  }

  /** @returns the hash under which `get` finds it */
  async put(bytes: Uint8Array): Promise<string> {
    const hash = sha256(bytes);
    if (!(await this.has(hash))) await this.#drive.write(pathOf(hash), bytes);
    return hash;
  }

  has(hash: string): Promise<boolean> {
    return this.#drive.has(pathOf(hash));
  }

  /** @throws MakeitError where there is no such object, or other bytes lie in its place */
  async get(hash: string): Promise<Uint8Array> {
    const bytes = await this.#drive.read(pathOf(hash));
    const fail = (what: string) =>
      new MakeitError(
        "internal",
        `The store ${this.name} ${what} ${pathOf(hash)}.`,
        "Do all machines use the same --store? Delete the object there if it is damaged: it is then made again.",
      );
    if (!bytes) throw fail("holds no object");
    const found = sha256(bytes);
    if (found !== hash) throw fail(`holds other bytes (SHA-256 ${found.slice(0, 16)}…) under`);
    return bytes;
  }

  note(name: string): Promise<Uint8Array | undefined> {
    return this.#drive.read(`notes/${name}`);
  }

  writeNote(name: string, bytes: Uint8Array): Promise<void> {
    return this.#drive.write(`notes/${name}`, bytes);
  }

  /** A note that cannot be removed stays: it does no harm. */
  async removeNote(name: string): Promise<void> {
    await this.#drive.remove(`notes/${name}`).catch(() => {});
  }

  /** @throws MakeitError where it cannot be written and read, before any work is done */
  async check(): Promise<void> {
    const bytes = new TextEncoder().encode("makeit\n");
    await this.#drive.write("notes/check", bytes);
    if (sha256((await this.#drive.read("notes/check")) ?? new Uint8Array()) !== sha256(bytes)) {
      throw new MakeitError("internal", `The store ${this.name} does not give back what was written to it.`);
    }
  }
}

/**
 * @param where a folder; `http(s)://…`, whose objects are written with PUT and read with GET and HEAD, with the headers
 *   that MAKEIT_STORE_HEADERS holds, one a line; or `s3://bucket/prefix`, with the usual AWS_… variables
 * @throws MakeitError when it is none of these, or the environment lacks what it needs
 */
export function openStore(where: string, env: NodeJS.ProcessEnv = process.env): Store {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(where)?.[1].toLowerCase();
  if (scheme === undefined) return new Store(where, new Folder(resolve(where)));
  const url = URL.canParse(where) ? new URL(where) : undefined;
  if (url && scheme === "s3") return openS3(url, env);
  if (url && /^https?$/.test(scheme)) {
    const headers = readHeaders(env.MAKEIT_STORE_HEADERS);
    if (url.username) {
      const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      headers.authorization = `Basic ${Buffer.from(login).toString("base64")}`;
    }
    const base = `${url.origin}${url.pathname.replace(/\/*$/, "/")}`;
    const send = (address: string, init: RequestInit) => fetch(address, { ...init, headers });
    return new Store(base, new Web(base, url.search, send));
  }
  throw inputError(
    `--store is ${JSON.stringify(where.replace(/\/\/[^/@]*@/, "//"))}; expected a folder, http(s)://… or s3://bucket/prefix.`,
    "A folder must be one that all machines share.",
  );
}

function pathOf(hash: string): string {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new MakeitError("internal", "An object's hash is not a SHA-256.");
  return `objects/${hash.slice(0, 2)}/${hash}`;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

class Folder implements Drive {
  readonly #home: string;

  constructor(home: string) {
    this.#home = home;
  }

  async has(path: string): Promise<boolean> {
    return existsSync(join(this.#home, path));
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return readFileSync(join(this.#home, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.#home, path);
    mkdirSync(dirname(file), { recursive: true });
    const own = `${file}.${randomUUID()}`; // another machine may write the same
    writeDurably(own, bytes);
    renameSync(own, file);
  }

  async remove(path: string): Promise<void> {
    rmSync(join(this.#home, path), { force: true });
  }
}

type Send = (address: string, init: { method: string; body?: Uint8Array<ArrayBuffer> }) => Promise<Response>;

class Web implements Drive {
  readonly #base: string;
  readonly #query: string;
  readonly #send: Send;

  constructor(base: string, query: string, send: Send) {
    this.#base = base;
    this.#query = query;
    this.#send = send;
  }

  async has(path: string): Promise<boolean> {
    return (await this.#ask("HEAD", path)) !== undefined;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.#ask("GET", path);
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    await this.#ask("PUT", path, new Uint8Array(bytes));
  }

  async remove(path: string): Promise<void> {
    await this.#ask("DELETE", path);
  }

  /** The answer's bytes; undefined where there is nothing. What may pass is tried again. */
  async #ask(method: string, path: string, body?: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined> {
    for (let attempt = 1; ; attempt++) {
      let trouble: string;
      try {
        const answer = await this.#send(`${this.#base}${path}${this.#query}`, { method, body });
        const bytes = new Uint8Array(await answer.arrayBuffer());
        if (answer.ok) return bytes;
        if (answer.status === 404 && method !== "PUT") return undefined;
        trouble = `answered ${answer.status} to ${method} ${path}`;
        if (answer.status < 500 && answer.status !== 429) attempt = TRIES;
      } catch (error) {
        const { message, cause } = error as Error;
        trouble = `cannot be reached (${cause instanceof Error ? cause.message : message})`;
      }
      if (attempt >= TRIES) {
        throw new MakeitError(
          "internal",
          `The store ${this.#base} ${trouble}.`,
          "Check the address, that objects may be written there, and MAKEIT_STORE_HEADERS or the AWS_… variables.",
        );
      }
      await new Promise((done) => setTimeout(done, PAUSE_MS * 2 ** (attempt - 1)));
    }
  }
}

function readHeaders(text = ""): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":");
      if (at > 0) return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()];
      throw inputError('A line of MAKEIT_STORE_HEADERS is no header; expected "Name: value".');
    }),
  );
}

/** What is used of the optional package aws4fetch: requests signed with AWS Signature Version 4. */
interface Aws4fetch {
  AwsClient: new (options: {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
    service: "s3";
    region: string;
    retries: 0;
  }) => { fetch: (address: string, init: RequestInit) => Promise<Response> };
}

function openS3(url: URL, env: NodeJS.ProcessEnv): Store {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw inputError(
      "An s3:// store needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.",
      "Also read: AWS_SESSION_TOKEN, AWS_REGION, and AWS_ENDPOINT_URL for other servers than Amazon's.",
    );
  }
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1";
  const prefix = url.pathname.replace(/\/*$/, "/");
  const endpoint = env.AWS_ENDPOINT_URL?.replace(/\/*$/, "");
  const base = endpoint
    ? `${endpoint}/${url.host}${prefix}`
    : `https://${url.host}.s3.${region}.amazonaws.com${prefix}`;
  const { AwsClient } = optional<Aws4fetch>("aws4fetch", "An s3:// store");
  const sessionToken = env.AWS_SESSION_TOKEN;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    sessionToken,
    service: "s3",
    region,
    retries: 0,
  });
  return new Store(
    `s3://${url.host}${prefix}`,
    new Web(base, "", (address, init) => client.fetch(address, init)),
  );
}

/** A package that is installed by those who use it. @throws MakeitError that says how */
export function optional<T>(name: string, what: string): T {
  try {
    return createRequire(import.meta.url)(name) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw inputError(
      `${what} needs the package ${name}, which is not installed.`,
      `npm install ${name}, beside makeit-ai (with -g where that is global).`,
    );
  }
}
