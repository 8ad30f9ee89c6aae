/** Machines for tests: Redis servers, workers and object stores, each a process or a server of this one. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { resolve } from "node:path";
import { findRedis } from "../../scripts/redis.mjs";

/** Where users would have it installed: beside makeit-ai. */
export const PACKAGES = { NODE_PATH: resolve("test/cluster/node_modules") };

const open: (() => Promise<unknown>)[] = [];

/** Ends everything that was started. */
export async function endAll(): Promise<void> {
  await Promise.all(open.splice(0).map((end) => end()));
}

export async function freePort(): Promise<number> {
  const server = createTcp();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** @returns its port, or what it said when it did not start */
export async function startRedis(
  more: (port: number) => string[],
): Promise<{ port: number } | { trouble: string }> {
  const port = await freePort();
  const child = spawn(findRedis()!, [
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    ...more(port),
  ]);
  open.push(() => end(child, "SIGKILL"));
  let said = "";
  return new Promise((done) => {
    child.stdout.on("data", (text) => {
      said += text;
      if (/Ready to accept connections/i.test(said)) done({ port });
    });
    child.on("close", () => done({ trouble: said }));
  });
}

export async function plainRedis(): Promise<string> {
  const started = await startRedis((port) => ["--port", String(port)]);
  if ("trouble" in started) throw new Error(started.trouble);
  return `redis://127.0.0.1:${started.port}`;
}

export interface MachineOptions {
  env?: Record<string, string>;
}

/** A running `makeit`, and what it has said so far. */
export interface Machine {
  readonly child: ChildProcess;
  stderr: string;
  stdout: string;
  readonly ended: Promise<number | null>;
  /** Waits until it has said it. */
  says(what: RegExp): Promise<RegExpExecArray>;
}

export function start(words: readonly string[], { env = {} }: MachineOptions = {}): Machine {
  const child = spawn(process.execPath, [resolve("dist/cli.js"), ...words], {
    env: { ...process.env, NO_COLOR: "1", ...PACKAGES, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  open.push(() => end(child, "SIGKILL"));
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const machine: Machine = {
    child,
    stderr: "",
    stdout: "",
    ended,
    async says(what) {
      for (;;) {
        const found = what.exec(machine.stderr);
        if (found) return found;
        if (child.exitCode !== null) throw new Error(`It ended and never said ${what}:\n${machine.stderr}`);
        await pause(10);
      }
    },
  };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    machine.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    machine.stderr += text;
  });
  return machine;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((done) => child.on("close", done));
  child.kill(signal);
  await closed;
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

export interface ObjectServer {
  url: string;
  objects: Map<string, Buffer>;
  requests: string[];
}

/** Keeps what is PUT; `admit` says with which status a request is refused. */
export async function startObjects(
  admit: (request: IncomingMessage, body: Buffer) => number = () => 200,
): Promise<ObjectServer> {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [body, path] = [Buffer.concat(chunks), request.url!];
    requests.push(`${request.method} ${path}`);
    const status = admit(request, body);
    if (status !== 200) return response.writeHead(status).end();
    if (request.method === "PUT") objects.set(path, body);
    if (request.method === "DELETE") objects.delete(path);
    const found = objects.get(path);
    if (!found) return response.writeHead(request.method === "DELETE" ? 204 : 404).end();
    response.writeHead(200).end(request.method === "GET" ? found : undefined);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, objects, requests };
}

/** Whether a request is signed as AWS Signature Version 4 asks for, computed anew from its description. */
export function isSigned(
  request: IncomingMessage,
  body: Buffer,
  key: { id: string; secret: string },
): boolean {
  const { authorization = "" } = request.headers;
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w{64})$/;
  const [, id, day, region, signed, signature] = form.exec(authorization) ?? [];
  if (id !== key.id) return false;
  const header = (name: string) => String(request.headers[name] ?? "").trim();
  const payload = header("x-amz-content-sha256");
  if (payload !== "UNSIGNED-PAYLOAD" && payload !== createHash("sha256").update(body).digest("hex"))
    return false;
  const url = new URL(request.url!, "http://host");
  const canonical = [
    ...[request.method, url.pathname, url.searchParams.toString()],
    ...signed.split(";").map((name) => `${name}:${header(name)}`),
    ...["", signed, payload],
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const digest = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", header("x-amz-date"), scope, digest].join("\n");
  const hmac = (secret: string | Buffer, what: string) => createHmac("sha256", secret).update(what).digest();
  const signing = [day, region, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${key.secret}`);
  return hmac(signing, text).toString("hex") === signature;
}
