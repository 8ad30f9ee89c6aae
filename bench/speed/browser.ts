/** The browser that sides run in, and the small server of what they load. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What is used of Playwright, which is installed with the browser tests' tools. */
interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<A, R>(work: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  close(): Promise<void>;
}
interface Playwright {
  chromium: {
    launch(options: object): Promise<{
      version(): string;
      newContext(): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>;
      close(): Promise<void>;
    }>;
  };
}
type Launched = Awaited<ReturnType<Playwright["chromium"]["launch"]>>;

/** Folders that pages load from. */
const SERVED = ["dist", "bench/node_modules"];
const TYPES: Record<string, string> = {
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html; charset=utf-8",
};
const PAGES: Record<string, string> = {
  "": '<!doctype html><script type="module" src="/dist/bench/speed/page.js"></script>',
  empty: "<!doctype html>",
};
/** Threads need an isolated page. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export class Browser {
  readonly #browser: Launched;
  readonly #origin: string;
  readonly #stop: () => void;

  private constructor(browser: Launched, origin: string, stop: () => void) {
    this.#browser = browser;
    this.#origin = origin;
    this.#stop = stop;
  }

  /** Starts the browser of the tests. @returns why there is none, otherwise. */
  static async start(): Promise<Browser | string> {
    const { tools } = await import(pathToFileURL(resolve("scripts/tools.mjs")).href);
    const { browser, missing } = await tools();
    if (!browser) return missing.join(" ");
    const require = createRequire(resolve("test/browser/package.json"));
    const { chromium } = require("playwright") as Playwright;
    const { origin, stop } = await serve();
    return new Browser(await chromium.launch(browser), origin, stop);
  }

  get version(): string {
    return this.#browser.version();
  }

  /** Opens the sides' page, or one that has loaded nothing, in a process of its own. */
  async open(name: keyof typeof PAGES = ""): Promise<Page> {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    await page.goto(`${this.#origin}/${name}`);
    page.close = () => context.close();
    return page;
  }

  /** The name of the GPU that pages see; undefined without one, or where software stands in for it. */
  async gpu(): Promise<string | undefined> {
    const page = await this.open();
    const name = await page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter();
      return (
        adapter && `${adapter.info.vendor} ${adapter.info.architecture} ${adapter.info.description}`.trim()
      );
    }, undefined);
    await page.close();
    return name && !/swiftshader|llvmpipe|software|basic render/i.test(name) ? name : undefined;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#stop();
  }
}

async function serve(): Promise<{ origin: string; stop: () => void }> {
  const server = createServer(async ({ url = "/" }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, "http://localhost").pathname)).slice(1);
    const known = SERVED.some((folder) => path.startsWith(`${folder}/`));
    const body = PAGES[path] ?? (known ? await readFile(join(".", path)).catch(() => undefined) : undefined);
    const type = TYPES[path in PAGES ? ".html" : extname(path)] ?? "application/octet-stream";
    response.writeHead(body === undefined ? 404 : 200, { ...ISOLATED, "Content-Type": type });
    response.end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${port}`, stop };
}
