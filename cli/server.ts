/** A web server for the page: this machine alone, these files alone. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { inputError } from "../sdk/errors.ts";

/** The page's own policy (in its head), and who may frame it. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
  "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Every answer carries them. The last three isolate the page, so that it may use threads that share memory. */
const HEADERS = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".gz": "application/gzip",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The machine's own address: nobody else can reach it. */
const HOST = "127.0.0.1";
const LOCAL = new Set([HOST, "localhost"]);

interface File {
  bytes: Buffer;
  type: string;
  tag: string;
}

export interface Site {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves the files of a folder as they are now.
 * @param options.port 0 for any that is free
 * @throws MakeitError when the port is taken, or may not be used
 */
export async function serveFolder(folder: string, { port }: { port: number }): Promise<Site> {
  const files = load(folder);
  const server = createServer((request, response) => answer(files, request, response));
  await listen(server, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** All files by their path in an address. What is not in here does not exist: no path leads out of the folder. */
function load(folder: string): Map<string, File> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, File>();
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const bytes = readFileSync(path);
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    files.set(path.slice(folder.length).replaceAll("\\", "/").replace(/^\/?/, "/"), { bytes, type, tag });
  }
  const start = files.get("/index.html");
  if (start) files.set("/", start);
  return files;
}

function answer(files: Map<string, File>, request: IncomingMessage, response: ServerResponse): void {
  const { method = "", url = "", headers } = request;
  const send = (status: number, more: Record<string, string | number>, body?: string | Buffer) => {
    response.writeHead(status, { ...HEADERS, ...more });
    response.end(method === "HEAD" ? undefined : body);
  };
  const refuse = (status: number, text: string, more = {}) => {
    send(status, { "Content-Type": "text/plain; charset=utf-8", ...more }, `${text}\n`);
  };
  const file = files.get(url.replace(/[?#].*$/s, ""));
  // A foreign name that was made to point here must not get at what this server says.
  if (!LOCAL.has((headers.host ?? "").replace(/:\d+$/, ""))) refuse(421, "Not the host of this page.");
  else if (method !== "GET" && method !== "HEAD") refuse(405, "Only GET and HEAD.", { Allow: "GET, HEAD" });
  else if (!file) refuse(404, "There is no such file.");
  else {
    // Folders named after what they hold never change; everything else is asked for anew.
    const caching = url.startsWith("/app-") ? "public, max-age=31536000, immutable" : "no-cache";
    const about = { "Cache-Control": caching, ETag: file.tag };
    if (headers["if-none-match"] === file.tag) send(304, about);
    else send(200, { ...about, "Content-Type": file.type, "Content-Length": file.bytes.length }, file.bytes);
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "EADDRINUSE") {
        reject(inputError(`Port ${port} is taken.`, "Name another with --port, or 0 for any that is free."));
      } else if (code === "EACCES") {
        reject(inputError(`Port ${port} may not be used.`, "Name one from 1024 on with --port."));
      } else
        reject(inputError(`Port ${port} cannot be listened on (${message}).`, "Name another with --port."));
    });
    server.listen(port, HOST, resolve);
  });
}
