import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ISOLATED, TestBrowser } from "./chromium.ts";

let browser: TestBrowser;
beforeAll(async () => {
  browser = await TestBrowser.start();
});
afterAll(() => browser.close());

test("opens files of a folder, with headers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "makeit-pages-"));
  writeFileSync(join(folder, "index.html"), "<h1>here</h1><script type=module src=main.mjs></script>");
  writeFileSync(join(folder, "main.mjs"), "document.title = crossOriginIsolated");
  const { page, errors, foreign, close } = await browser.open(folder, { headers: ISOLATED });
  expect(await page.textContent("h1")).toBe("here");
  expect(await page.title()).toBe("true");
  expect([errors, foreign]).toEqual([[], []]);
  await expect(browser.open(folder, { path: "/..%2f..%2fetc/passwd" })).rejects.toThrow("404");
  await close();
});

test("collects errors and what a page asks of others", async () => {
  const script = `
    console.error("one");
    fetch("/nowhere");
    fetch("http://127.0.0.1:9/two").catch(() => {});
    new Worker(URL.createObjectURL(new Blob(["console.error('in a worker')"])));
    throw new Error("three");`;
  const opened = await browser.open({ "/": `<script>${script}</script>` });
  await expect.poll(() => opened.errors.length).toBeGreaterThanOrEqual(6);
  const all = opened.errors.join("\n");
  for (const text of ["one", "404", "9/two: net::ERR", "Error: three", "in a worker"])
    expect(all).toContain(text);
  expect(opened.foreign).toEqual(["http://127.0.0.1:9/two"]);
});

test("text has a font", async () => {
  const { page } = await browser.open({ "/": "<span>iiii</span><br><span>mmmm</span>" });
  const widths = await page.$$eval("span", (spans) =>
    spans.map((span) => span.getBoundingClientRect().width),
  );
  expect(widths[0]).toBeGreaterThan(4);
  expect(widths[1]).toBeGreaterThan(2 * widths[0]);
});
