import { type ChildProcess, spawn } from "node:child_process";
import { request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, makeit } from "./cli.ts";

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request whose path is sent as it stands: a browser would tidy it up. */
function ask(url: string, path: string, more: { method?: string; headers?: Record<string, string> } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise<Answer>((done, fail) => {
    const asked = request({ hostname, port, path, ...more }, (response) => {
      let body = "";
      response.setEncoding("latin1").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => done({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on("error", fail).end();
  });
}

describe("makeit web", () => {
  let child: ChildProcess;
  let url: string;
  let said = "";
  beforeAll(async () => {
    child = spawn(process.execPath, [resolve("dist/cli.js"), "web", "--port", "0"], { stdio: "pipe" });
    url = await new Promise((done) => {
      child.stdout!.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const found = /http:\/\/\S+/.exec(said);
        if (found) done(found[0]);
      });
    });
  });
  afterAll(() => child.kill("SIGKILL"));

  test("prints an address of this machine and serves the page there", async () => {
    expect(said).toMatch(
      /^Makeit is at http:\/\/127\.0\.0\.1:\d+\/ for this machine alone\. Ctrl-C ends it\.$/m,
    );
    const { status, headers, body } = await ask(url, "/");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(body).toContain("<title>Makeit");
    const [, script] = /src="(app-\w+\/page\.js)"/.exec(body)!;
    expect((await ask(url, `/${script}`)).headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
    });
  });

  test("every answer is strict about what may be done with it", async () => {
    for (const path of ["/", "/sw.js", "/demo/penguins.json.gz", "/nowhere"]) {
      const { headers } = await ask(url, path);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
      });
      const policy = headers["content-security-policy"] as string;
      expect(policy).toMatch(/default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/);
      expect(policy).toMatch(/connect-src 'self';.*frame-ancestors 'none'/);
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*/);
    }
  });

  test("no path leads out of the page's folder", async () => {
    const paths = [
      "/../cli.js",
      "/..%2fcli.js",
      "/%2e%2e/cli.js",
      "/..%5ccli.js",
      "/..\\cli.js",
      "/./../cli.js",
      "//../cli.js",
      "/demo/../../cli.js",
      "/demo/..%2f..%2f..%2fpackage.json",
      "/%00/../cli.js",
      "/index.html/../../cli.js",
      "/etc/passwd",
      "//etc/passwd",
      "http://127.0.0.1/../cli.js",
      "/demo",
      "/demo/",
      "",
    ];
    for (const path of paths) {
      const { status, body } = await ask(url, path);
      if (path === "")
        expect(status).toBe(200); // Node sends "/" for it
      else expect([path, status, body]).toEqual([path, 404, "There is no such file.\n"]);
    }
  });

  test("answers under this machine's names alone, and to nothing but questions", async () => {
    const { port } = new URL(url);
    expect((await ask(url, "/", { headers: { Host: `localhost:${port}` } })).status).toBe(200);
    for (const Host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "[::1]"]) {
      expect((await ask(url, "/", { headers: { Host } })).status).toBe(421);
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"]) {
      expect((await ask(url, "/", { method })).status).toBe(405);
    }
    const head = await ask(url, "/", { method: "HEAD" });
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(Number(head.headers["content-length"])).toBeGreaterThan(1000);
    const { etag } = head.headers as { etag: string };
    const again = await ask(url, "/", { headers: { "If-None-Match": etag } });
    expect([again.status, again.body]).toEqual([304, ""]);
  });

  test("cannot be reached through the machine's other addresses", async () => {
    const outer = Object.values(networkInterfaces())
      .flat()
      .filter((address) => address && !address.internal && address.family === "IPv4");
    for (const { address } of outer as { address: string }[]) {
      const reached = await new Promise((done) => {
        const socket = connect({ host: address, port: Number(new URL(url).port) });
        socket.on("connect", () => done(true)).on("error", () => done(false));
      });
      expect([address, reached]).toEqual([address, false]);
    }
  });

  test("says which port is taken, and refuses what is none", async () => {
    const { port } = new URL(url);
    expectRefusal(await makeit(["web", "--port", port]), `Port ${port} is taken.`);
    expectRefusal(
      await makeit(["web", "--port", "70000"]),
      /--port is .*expected a whole number from 0 to 65535/,
    );
  });

  test("Ctrl-C ends it at once, open connections or not", async () => {
    const { port } = new URL(url);
    const kept = connect({ host: "127.0.0.1", port: Number(port) });
    await new Promise((done) => kept.on("connect", done).on("error", done));
    const ended = new Promise((done) => child.on("close", (code) => done(code)));
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    await expect(ask(url, "/")).rejects.toThrow(/ECONNREFUSED/);
  });
});
