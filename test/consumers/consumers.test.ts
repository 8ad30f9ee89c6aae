/** The packed tarball where others use it: each trains a small generator, and all get the same bytes. */
import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { findBrowser } from "../../scripts/tools.mjs";
import { type Files, ISOLATED, TestBrowser } from "../browser/chromium.ts";
import { seeded } from "../browser/seeded.ts";

const run = promisify(execFile);
const app = inject("app");
const tools = resolve("test/consumers/node_modules");
/** Where Chromium's own code ends: nothing inline, nothing from elsewhere, no eval. */
const STRICT = { "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" };

let here: Awaited<ReturnType<typeof seeded>>;
beforeAll(async () => {
  here = await seeded();
  write("main.js", 'import { seeded } from "./seeded.js";\nconsole.log(JSON.stringify(await seeded()));');
});

/** Writes a file of the consumer's; `name` may have folders. */
function write(name: string, content: string): void {
  mkdirSync(join(app, name, ".."), { recursive: true });
  writeFileSync(join(app, name), content);
}

async function command(file: string, ...args: string[]): Promise<string> {
  return (await run(file, args, { cwd: app })).stdout;
}

const esbuild = (...args: string[]) =>
  command(process.execPath, join(tools, "esbuild/bin/esbuild"), "--log-level=warning", ...args);

test("Node", async () => {
  expect(JSON.parse(await command(process.execPath, "main.js"))).toEqual(here);
});

test("the command line, with the demo's data", async () => {
  const small = [
    "--epochs",
    "1",
    "--splits",
    "2",
    "--samples",
    "16",
    "--rescore",
    "1",
    "--vote",
    "1",
    "--json",
  ];
  const cli = join("node_modules/makeit-ai/dist/cli.js");
  const { data } = JSON.parse(await command(process.execPath, cli, "demo", ...small));
  expect(data).toMatchObject({ name: "birdstrikes.csv", rows: 10_000, positives: 311 });
});

describe("other runtimes", () => {
  const deno = join(tools, "@deno/linux-x64-glibc/deno");
  test.skipIf(!existsSync(deno))("Deno", async () => {
    const flags = ["--no-remote", "--node-modules-dir=manual", "--allow-read"];
    expect(JSON.parse(await command(deno, "run", ...flags, "main.js"))).toEqual(here);
  });

  const workerd = join(tools, "@cloudflare/workerd-linux-64/bin/workerd");
  test.skipIf(!existsSync(workerd))(
    "workerd, which compiles no bytes: it is handed the modules",
    async () => {
      const modules = 'import module from "./core.wasm"; import extra from "./extra.wasm";';
      await buildWorker("handed", modules, "await init({ module, extra });");
      expect(JSON.parse(await askWorkerd("handed"))).toEqual(here);
      await buildWorker("alone");
      expect(await askWorkerd("alone")).toMatch(/The engine cannot be compiled here .*Hand it over compiled/);
    },
  );

  async function buildWorker(name: string, imports = "", start = ""): Promise<void> {
    write(
      `${name}.js`,
      `import { init } from "makeit-ai";
      import { seeded } from "./seeded.js";
      ${imports}
      async function answer() {
        try {
          ${start}
          return Response.json(await seeded());
        } catch ({ message, hint }) {
          return new Response([message, hint].join(" "));
        }
      }
      export default { fetch: answer };`,
    );
    await esbuild(
      `${name}.js`,
      "--bundle",
      "--format=esm",
      "--external:*.wasm",
      `--outfile=${name}/worker.js`,
    );
    for (const file of ["core.wasm", "extra.wasm"]) {
      cpSync(join(app, "node_modules/makeit-ai/dist", file), join(app, name, file));
    }
    write(
      `${name}/config.capnp`,
      `using Workerd = import "/workerd/workerd.capnp";
      const config :Workerd.Config = (
        services = [(name = "main", worker = (
          modules = [
            (name = "worker.js", esModule = embed "worker.js"),
            (name = "core.wasm", wasm = embed "core.wasm"),
            (name = "extra.wasm", wasm = embed "extra.wasm"),
          ],
          compatibilityDate = "2026-11-01",
        ))],
        sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
      );`,
    );
  }

  /** What a worker answers. It says where it listens on a channel of its own, file descriptor 3. */
  async function askWorkerd(name: string): Promise<string> {
    const args = ["serve", join(app, name, "config.capnp"), "--control-fd=3"];
    const server = spawn(workerd, args, { stdio: ["ignore", "inherit", "inherit", "pipe"] });
    try {
      const port = await new Promise<number>((found, failed) => {
        server.on("error", failed).on("exit", (code) => failed(new Error(`workerd ended with ${code}.`)));
        server.stdio[3]!.on("data", (line) => found(JSON.parse(String(line)).port));
      });
      return await (await fetch(`http://127.0.0.1:${port}/`)).text();
    } finally {
      server.kill();
    }
  }
});

describe.skipIf(inject("missing") || !findBrowser())(
  "Chromium under a strict Content-Security-Policy",
  () => {
    let browser: TestBrowser;
    beforeAll(async () => {
      browser = await TestBrowser.start();
      write(
        "page.js",
        `${WITHOUT}
      globalThis.hashes = import("./seeded.js").then(({ seeded }) => seeded());`,
      );
    });
    afterAll(() => browser?.close());

    /** Takes WebGPU away, and sees that shared memory is not there. */
    const WITHOUT = `
    for (const type of ["Navigator", "WorkerNavigator"]) delete globalThis[type]?.prototype.gpu;
    if (navigator.gpu || globalThis.SharedArrayBuffer) throw new Error("There is more than this test allows.");`;

    async function openPage(files: Files, script: string, headers: Record<string, string> = STRICT) {
      const page = `<!doctype html><script type="module" src="${script}"></script>`;
      const opened = await browser.open(typeof files === "string" ? files : { ...files, "/": page }, {
        headers,
      });
      return opened;
    }

    async function hashesOf(files: Files, script = "/page.js") {
      const { page, errors, foreign, close } = await openPage(files, script);
      const found = await page.evaluate("hashes");
      expect([errors, foreign]).toEqual([[], []]);
      await close();
      return found;
    }

    /** The package's own files, and the consumer's with paths in place of names. */
    function unbundled(): Record<string, string | Uint8Array> {
      const dist = join(app, "node_modules/makeit-ai/dist");
      const files = readdirSync(dist).filter((file) => file.endsWith(".js"));
      const named: Record<string, string> = {
        "makeit-ai": "/makeit/index.js",
        "makeit-ai/table": "/makeit/table.js",
      };
      const program = readFileSync(join(app, "seeded.js"), "utf8");
      return {
        ...Object.fromEntries(files.map((file) => [`/makeit/${file}`, readFileSync(join(dist, file))])),
        "/seeded.js": program.replace(/"(makeit-ai[^"]*)"/g, (_, name: string) => `"${named[name]}"`),
        "/page.js": readFileSync(join(app, "page.js")),
      };
    }

    test("<script type=module>, without a bundler", async () => {
      expect(await hashesOf(unbundled())).toEqual(here);
    });

    test("a module worker", async () => {
      const worker = `${WITHOUT} const { seeded } = await import("/seeded.js"); postMessage(await seeded());`;
      const page = `globalThis.hashes = new Promise((resolve, reject) => {
      const worker = new Worker("/worker.js", { type: "module" });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });`;
      expect(await hashesOf({ ...unbundled(), "/worker.js": worker, "/page.js": page })).toEqual(here);
    });

    test("an esbuild bundle in one file", async () => {
      await esbuild("page.js", "--bundle", "--minify", "--format=esm", "--outfile=one/page.js");
      expect(await hashesOf({ "/page.js": readFileSync(join(app, "one/page.js")) })).toEqual(here);
    });

    test("a Vite build", async () => {
      write("index.html", '<!doctype html><script type="module" src="/page.js"></script>');
      await command(
        process.execPath,
        resolve("node_modules/vite/bin/vite.js"),
        "build",
        "--logLevel",
        "warn",
      );
      expect(await hashesOf(join(app, "dist"))).toEqual(here);
    });

    describe("threads", () => {
      /** A program that asks for three threads: the bytes of a large product and of a run, and who was started for them. */
      const program = (from: string) => `
        import { fit, openBackend, readTable } from "${from}index.js";
        import { writeCsv } from "${from}table.js";
        import { useThreads } from "${from}threads.js";
        let workers = 0;
        globalThis.Worker = class extends Worker {
          constructor(...given) { super(...given); workers++; }
        };
        useThreads();
        const random = (length, from) => Float32Array.from({ length }, (_, i) => Math.sin(from + 3 * i));
        const sha = async (values) => Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", values)), (byte) => byte.toString(16)).join(" ");
        export async function shared() {
          const [rows, inner, cols] = [1999, 77, 64];
          const hashes = [];
          for (const threads of [1, 3]) {
            const engine = await openBackend({ engine: "wasm", threads });
            const given = Object.entries({ x: rows * inner, w: inner * cols, b: cols, y: rows * cols }).map(([name, length], i) => {
              const tensor = engine.alloc(length);
              engine.write(tensor, random(length, i));
              return [name, tensor];
            });
            const call = { ...Object.fromEntries(given), rows, inner, cols, activation: 2 };
            engine.submit(Array.from({ length: 9 }, () => engine.prepare("dense", call)));
            hashes.push(await sha(await engine.read(call.y)));
            engine.dispose();
          }
          const cells = Object.fromEntries(Array.from({ length: 12 }, (_, i) => ["c" + i, Array.from(random(300, i), Math.fround)]));
          const table = await readTable({ ...cells, class: cells.c0.map((value) => value > 0.8 ? "rare" : "usual") }, { name: "wide" });
          const quick = { engine: "wasm", epochs: 2, splits: 2, samples: "128", rescore: 2, rescoreDraws: 1, vote: 2 };
          for (const threads of [1, 3]) {
            const { synthetic } = await fit(table, { ...quick, target: "class", threads });
            hashes.push(await sha(new TextEncoder().encode(writeCsv(synthetic))));
          }
          return { hashes, workers };
        }`;
      const shared = (where: string) =>
        where === "page"
          ? 'globalThis.hashes = import("/shared.js").then(({ shared }) => shared());'
          : `globalThis.hashes = new Promise((resolve, reject) => {
              const worker = new Worker("/worker.js", { type: "module" });
              worker.onmessage = ({ data }) => resolve(data);
              worker.onerror = ({ message }) => reject(new Error(message));
            });`;
      const WORKER = 'import { shared } from "/shared.js"; postMessage(await shared());';

      test.each([
        ["a worker of an isolated page", "worker", 8, { ...STRICT, ...ISOLATED }],
        ["an isolated page itself", "page", 8, { ...STRICT, ...ISOLATED }],
        ["a page that shares nothing, alone", "worker", 0, STRICT],
      ])("%s: the same bytes", async (_, where, workers, headers) => {
        const files = { ...unbundled(), "/shared.js": program("/makeit/"), "/worker.js": WORKER };
        const { page, errors, close } = await openPage(
          { ...files, "/page.js": shared(where) },
          "/page.js",
          headers,
        );
        const found = await page.evaluate<{ hashes: string[]; workers: number }>("hashes");
        expect(errors).toEqual([]);
        expect(found.workers).toBe(workers);
        const [one, three, run, runOfThree] = found.hashes;
        expect([three, runOfThree]).toEqual([one, run]);
        await close();
      });

      test("a Vite build takes their file along", async () => {
        write(
          "threads/shared.js",
          program("makeit-ai/").replace(/makeit-ai\/(index|\w+)\.js/g, (_, name) =>
            name === "index" ? "makeit-ai" : `makeit-ai/${name}`,
          ),
        );
        write("threads/page.js", shared("page").replace("/shared.js", "./shared.js"));
        write("threads/index.html", '<!doctype html><script type="module" src="./page.js"></script>');
        const vite = resolve("node_modules/vite/bin/vite.js");
        await command(process.execPath, vite, "build", "threads", "--logLevel", "warn");
        const { page, errors, close } = await openPage(join(app, "threads/dist"), "", {
          ...STRICT,
          ...ISOLATED,
        });
        const { hashes, workers } = await page.evaluate<{ hashes: string[]; workers: number }>("hashes");
        expect([errors, workers, hashes[1]]).toEqual([[], 8, hashes[0]]);
        await close();
      });
    });

    test("a policy that forbids the engine is named", async () => {
      const headers = { "Content-Security-Policy": "script-src 'self'" };
      const { page } = await openPage(unbundled(), "/page.js", headers);
      const failure = await page.evaluate("hashes.catch(({ code, hint }) => [code, hint])");
      expect(failure).toEqual(["engine", expect.stringContaining("allow 'wasm-unsafe-eval'")]);
    });
  },
);
