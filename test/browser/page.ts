/** The built page in a browser, and what a user does there. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Download, Page } from "playwright";
import { expect } from "vitest";
import { serveFolder } from "../../cli/server.ts";
import type { OpenPage, TestBrowser } from "./chromium.ts";

export interface Visit extends OpenPage {
  /** Requests that went further than the browser's own store. */
  sent: string[];
  /** Ends the server: from here on there is no network. */
  cut(): Promise<void>;
}

type Options = Omit<NonNullable<Parameters<TestBrowser["visit"]>[1]>, "stop"> & { hash?: string };

/** Opens the page and waits until it no longer needs the network. */
export async function visit(browser: TestBrowser, { hash = "", ...options }: Options = {}): Promise<Visit> {
  const site = await serveFolder("dist/web/", { port: 0 });
  const stop = () => void site.close();
  const opened = await browser.visit(site.url + hash, { ...options, stop });
  const { page } = opened;
  await page.waitForSelector('html[data-offline="ready"]');
  const sent: string[] = [];
  page.context().on("requestfinished", async (request) => {
    const answer = await request.response().catch(() => null);
    if (!request.url().startsWith("blob:") && !answer?.fromServiceWorker()) sent.push(request.url());
  });
  return { ...opened, sent, cut: () => site.close() };
}

/** Hands a file to the page. */
export async function give(page: Page, name: string, content: string | Uint8Array): Promise<void> {
  const buffer = Buffer.from(content as string);
  await page.setInputFiles("#file", { name, mimeType: "application/octet-stream", buffer });
}

/** Gives a table that the page can read, and waits until it is shown. */
export async function giveTable(page: Page, name: string, content: string | Uint8Array): Promise<void> {
  await give(page, name, content);
  await isOpen(page, name);
}

/** Waits until the table of this name is shown. */
export async function isOpen(page: Page, name: string): Promise<void> {
  await page.waitForFunction((text) => document.getElementById("data-title")!.textContent === text, name);
  await page.waitForSelector("#reading", { state: "hidden" });
}

/** Sets controls by the names of their settings. */
export async function set(page: Page, settings: Record<string, string>): Promise<void> {
  const box = page.locator(".rest");
  if (!(await box.evaluate((details: HTMLDetailsElement) => details.open)))
    await box.locator("summary").click();
  for (const [name, value] of Object.entries(settings)) {
    await page.fill(`#set-${name}`, value);
    await page.locator(`#set-${name}`).blur();
  }
}

/** The fewest epochs and splits that still are a run, as controls and as options. */
export const SHORT = { epochs: 3, splits: 2, samples: "16", rescore: 2, vote: 2, batchSize: 4 };
export const SHORT_CONTROLS = Object.fromEntries(
  Object.entries(SHORT).map(([name, value]) => [name, String(value)]),
);

/** Presses Train and waits for the verdict. */
export async function train(page: Page): Promise<void> {
  await page.click("#form button[type=submit]");
  await page.waitForSelector("#result:not([hidden])");
}

/** Does what makes the page save a file. */
export async function saved(
  page: Page,
  what: () => Promise<unknown>,
): Promise<{ name: string; bytes: Buffer }> {
  const waiting: Promise<Download> = page.waitForEvent("download");
  await what();
  const download = await waiting;
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** Saves one of the run's files. */
export function savedFile(page: Page, name: string): Promise<{ name: string; bytes: Buffer }> {
  return saved(page, () => page.locator(".offer", { hasText: name }).click());
}

const AXE = createRequire(join(process.cwd(), "test/browser/index.js")).resolve("axe-core/axe.min.js");

/** What axe finds, every rule of it, as "rule: where". */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(readFileSync(AXE, "utf8"));
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    const found = await axe.run();
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target }) => `${id}: ${target.join(" ")}`),
    );
  });
}
interface Violation {
  id: string;
  nodes: { target: string[] }[];
}

/**
 * Runs `work` and gives the processor time in milliseconds of every task on the page's main thread meanwhile: what a
 * machine that does nothing else would be kept busy, however crowded this one is.
 */
export async function mainThread(page: Page, work: () => Promise<void>): Promise<number[]> {
  interface TraceEvent {
    name: string;
    ph: string;
    pid: number;
    tid: number;
    ts: number;
    tdur?: number;
    args: { name?: string };
  }
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.start", {
    traceConfig: {
      recordMode: "recordAsMuchAsPossible",
      includedCategories: ["toplevel"],
      excludedCategories: ["*"],
    },
  });
  const started = performance.now();
  await work();
  const took = performance.now() - started;
  await session.send("Tracing.end");
  await complete;
  const main = events.find(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")!;
  const tasks = events.filter(
    ({ name, ph, pid, tid }) => /RunTask$/.test(name) && ph === "X" && pid === main.pid && tid === main.tid,
  );
  // A buffer that was full would have nothing of the end; a system without such clocks would have no times.
  const starts = tasks.map(({ ts }) => ts / 1000);
  expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(0.8 * took);
  const times = tasks.map(({ tdur = 0 }) => tdur / 1000);
  expect(Math.max(...times)).toBeGreaterThan(1);
  return times;
}
