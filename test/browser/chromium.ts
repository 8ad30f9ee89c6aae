/** A headless browser for tests of what is built: pages from a small server, what they complain about, what they fetch. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright";
import { findBrowser, NO_BROWSER } from "../../scripts/tools.mjs";

/** What a server gives out: a folder, or contents by path ("/index.html"). */
export type Files = string | Record<string, string | Uint8Array>;

/** Headers that make a page cross-origin isolated: it then has SharedArrayBuffer and finer clocks. */
export const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".csv": "text/csv",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** A page that is open, and what happened in it so far. */
export interface OpenPage {
  page: Page;
  /** Where its files are served, without a slash at the end. */
  origin: string;
  /** Errors on the console, uncaught errors, requests that failed, in order of their coming. */
  errors: string[];
  /** Addresses outside of `origin` that the page asked for; "blob:" and "data:" are its own. */
  foreign: string[];
  close(): Promise<void>;
}

/**
 * The tests' browser. Start one per test file; every page has cookies and storage of its own.
 *
 * @example
 * ```ts
 * let browser: TestBrowser;
 * beforeAll(async () => { browser = await TestBrowser.start(); });
 * afterAll(() => browser.close());
 *
 * test("the page says hello", async () => {
 *   const { page, errors, close } = await browser.open("dist/web", { headers: ISOLATED });
 *   expect(await page.textContent("h1")).toBe("Hello");
 *   expect(errors).toEqual([]);
 *   await close();
 * });
 *
 * test("a bundle runs where nothing may be evaluated", async () => {
 *   const { page } = await browser.open(
 *     { "/": "<script type=module src=main.js></script>", "/main.js": code },
 *     { headers: { "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'" } },
 *   );
 *   expect(await page.evaluate(() => globalThis.answer)).toBe(42);
 * });
 * ```
 */
export class TestBrowser {
  readonly #browser: Browser;
  readonly #open = new Set<OpenPage>();

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Starts the browser of `scripts/tools.mjs`. */
  static async start(): Promise<TestBrowser> {
    const found = findBrowser();
    if (!found) throw new Error(NO_BROWSER);
    return new TestBrowser(await chromium.launch(found));
  }

  /**
   * Serves `files` on an address of its own, with `headers` on every answer, and opens `path` of it.
   * @returns when the page has loaded; a page that cannot be loaded is an error.
   */
  async open(
    files: Files,
    { path = "/", headers = {} }: { path?: string; headers?: Record<string, string> } = {},
  ): Promise<OpenPage> {
    const { origin, stop } = await serve(files, headers);
    return this.visit(origin + path, { stop });
  }

  /**
   * Opens an address that somebody else serves.
   * @param options.settings of the browser: its window, its colours …
   * @param options.stop ends the server with the page
   * @param options.before is run in the page before its own scripts
   */
  async visit(
    url: string,
    {
      settings,
      stop = () => {},
      before,
    }: { settings?: BrowserContextOptions; stop?: () => void; before?: () => void } = {},
  ): Promise<OpenPage> {
    const { origin } = new URL(url);
    const context = await this.#browser.newContext(settings);
    if (before) await context.addInitScript(before);
    const page = await context.newPage();
    const [errors, foreign]: [string[], string[]] = [[], []];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
    context.on("request", (request) => {
      const asked = request.url();
      if (!asked.startsWith(`${origin}/`) && !/^(blob|data):/.test(asked)) foreign.push(asked);
    });
    const close = async () => {
      this.#open.delete(opened);
      await context.close();
      stop();
    };
    const opened: OpenPage = { page, origin, errors, foreign, close };
    this.#open.add(opened);
    const answer = await page.goto(url);
    if (!answer?.ok()) throw new Error(`${url} cannot be loaded: ${answer?.status()}`);
    return opened;
  }

  /** Closes the pages that are still open, and the browser. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((page) => page.close()));
    await this.#browser.close();
  }
}

/** Serves files on a free port of this machine alone. */
async function serve(
  files: Files,
  headers: Record<string, string>,
): Promise<{ origin: string; stop: () => void }> {
  const contents = async (path: string) => {
    if (typeof files !== "string") return files[path];
    // "/.." is "/": nothing above the folder is served
    const inside = normalize(path.endsWith("/") ? `${path}index.html` : path);
    return await readFile(join(files, inside)).catch(() => undefined);
  };
  const server = createServer(async ({ url = "/" }, response) => {
    const path = decodeURIComponent(new URL(url, "http://localhost").pathname);
    const body = await contents(path);
    const type = TYPES[extname(path)] ?? TYPES[".html"];
    // some browsers ask for an icon that no page here has; that is not an error of the page
    const none = path === "/favicon.ico" ? 204 : 404;
    response.writeHead(body === undefined ? none : 200, { ...headers, "Content-Type": type });
    response.end(body ?? `There is no ${path}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${port}`, stop };
}
