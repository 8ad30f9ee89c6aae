import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { smallTable } from "../cli.ts";
import { TestBrowser } from "./chromium.ts";
import { giveTable, mainThread, SHORT_CONTROLS, set, train, type Visit, violations, visit } from "./page.ts";

let browser: TestBrowser;
let opened: Visit[] = [];
beforeAll(async () => {
  browser = await TestBrowser.start();
});
afterEach(async () => {
  for (const { close } of opened) await close();
  opened = [];
});
afterAll(() => browser.close());

async function open(options: Parameters<typeof visit>[1] = {}): Promise<Visit> {
  const page = await visit(browser, options);
  opened.push(page);
  return page;
}

const TABLE = smallTable({ rows: 150 });
test.each(["light", "dark"] as const)(
  "axe finds nothing to mend, from start to end, in %s",
  async (colorScheme) => {
    const { page } = await open({ settings: { colorScheme, reducedMotion: "reduce" } });
    expect(await violations(page)).toEqual([]);
    await giveTable(page, "small.csv", `${TABLE}1,2,,no\n`);
    await page.selectOption('select[aria-label="What weight is"]', "drop");
    await page.waitForSelector("#columns .is-out");
    await page.selectOption("#target", "length");
    await page.waitForSelector("#data-problem:not([hidden])");
    await set(page, SHORT_CONTROLS);
    expect(await violations(page)).toEqual([]);
    await page.selectOption("#target", "rare");
    await set(page, { epochs: "100000", patience: "100000" });
    await page.click("#form button[type=submit]");
    await page.waitForFunction(() =>
      /epoch (\d{2,}) of/.test(document.getElementById("phase")!.textContent!),
    );
    expect(await violations(page)).toEqual([]);
    await page.click("#stop");
    await page.waitForSelector("#result:not([hidden])");
    await page.waitForSelector(".picture.methods svg");
    expect(await violations(page)).toEqual([]);
    await page.click("#tab-1");
    await page.waitForSelector(".picture.curves svg");
    await page.click("#sample-form button");
    await page.waitForSelector(".preview");
    expect(await violations(page)).toEqual([]);
  },
);

test("the keyboard does everything, and a screen reader hears how it goes", async () => {
  const before = () => {
    const said: string[] = [];
    Object.assign(window, { said });
    addEventListener("DOMContentLoaded", () => {
      const status = document.getElementById("status")!;
      new MutationObserver(() => said.push(status.textContent!)).observe(status, { childList: true });
    });
  };
  const { page, errors } = await open({ before });
  const key = (name: string) => page.keyboard.press(name);
  const focused = () =>
    page.evaluate(() => {
      const { id, textContent, ariaLabel } = document.activeElement as HTMLElement;
      return id || ariaLabel || textContent!.trim();
    });
  /** Presses Tab until something is focused; every stop on the way must show that it has the focus. */
  const tabTo = async (name: string | RegExp) => {
    for (let i = 0; i < 150; i++) {
      await key("Tab");
      const now = await focused();
      if (typeof name === "string" ? now === name : name.test(now)) return;
    }
    throw new Error(`Tab never comes to ${name}`);
  };
  await key("Tab");
  expect(await focused()).toBe("Skip to content");
  await tabTo("file");
  const ring = await page.locator("#file + label").evaluate((label) => getComputedStyle(label).outlineStyle);
  expect(ring).toBe("solid");
  await tabTo(/^Penguins/);
  await key("Enter");
  await page.waitForFunction(() => document.activeElement!.id === "data-title");
  await tabTo("positive");
  expect(await page.inputValue("#positive")).toBe("Chinstrap");
  await page.keyboard.type("Gentoo");
  await page.waitForFunction(() => /Gentoo\s*124/.test(document.getElementById("classes")!.textContent!));
  await tabTo("What Island is");
  await page.keyboard.press("L"); // one stroke: several are one word only when they come fast
  await page.waitForSelector("#columns .is-out[data-column=Island]");
  await page.waitForFunction(() => document.activeElement!.ariaLabel === "What Island is");
  await tabTo("set-splits");
  await page.keyboard.type("2");
  await tabTo("set-epochs");
  await page.keyboard.type("3");
  await tabTo("Train");
  await key("Enter");
  await page.waitForSelector("#result:not([hidden])");
  await page.waitForFunction(() => document.activeElement!.id === "result-title");
  await tabTo(/^Synthetic rows/);
  const download = page.waitForEvent("download");
  await key("Enter");
  expect((await download).suggestedFilename()).toBe("synthetic.csv");
  await tabTo("tab-0");
  await key("ArrowRight");
  expect(await focused()).toBe("tab-1");
  await key("End");
  expect(await page.getAttribute("#tab-2", "aria-selected")).toBe("true");
  await page.waitForSelector(".picture.curves svg");
  await tabTo("Decision tree, split 2");
  await tabTo("count-0");
  await key("Enter");
  await page.waitForSelector(".preview");
  const said = await page.evaluate(() => (window as unknown as { said: string[] }).said);
  expect(said).toContain("penguins.json is read.");
  expect(said).toContain("Training has started.");
  expect(said.join("\n")).toMatch(/^\d+ percent, best score [01]\.\d+, .* left\.$/m);
  expect(said.join("\n")).toMatch(/^The synthetic data (helps|hurts|makes no)/m);
  expect(said.at(-1)).toBe("200 rows drawn.");
  expect(errors).toEqual([]);
});

test("nothing moves while it trains, and the page is never kept from answering", async () => {
  const { page } = await open({ settings: { viewport: { width: 1280, height: 900 } } });
  const tasks = await mainThread(page, async () => {
    await page.click("[data-demo=snow]");
    await page.waitForFunction(() => document.activeElement!.id === "data-title");
    await set(page, { ...SHORT_CONTROLS, epochs: "12" });
    await page.evaluate(() => {
      const shifts: string[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        const entries = list.getEntries() as (PerformanceEntry & {
          hadRecentInput: boolean;
          value: number;
        })[];
        // The verdict comes below what is looked at, once training is over.
        for (const { hadRecentInput, value } of entries) {
          const training = document.getElementById("result")!.hidden;
          if (!hadRecentInput && training)
            shifts.push(`${value} at ${document.getElementById("phase")!.textContent}`);
        }
      }).observe({ type: "layout-shift" });
    });
    await train(page);
    await page.waitForSelector(".picture.methods svg");
    await page.click("#tab-1");
    await page.waitForSelector(".picture.curves svg");
  });
  expect(await page.evaluate(() => (window as unknown as { shifts: string[] }).shifts)).toEqual([]);
  expect(tasks.length).toBeGreaterThan(100);
  expect(Math.max(...tasks)).toBeLessThan(50);
});

test("a table of 50 MB is read while the page goes on answering", async () => {
  const folder = mkdtempSync(join(tmpdir(), "makeit-page-"));
  const file = join(folder, "large.csv");
  const [head, ...rows] = smallTable({ rows: 6000 }).trimEnd().split("\n");
  const block = `${rows.join("\n")}\n`;
  writeFileSync(file, `${head}\n${block.repeat(Math.ceil(50e6 / block.length))}`);
  const { page, errors } = await open();
  const tasks = await mainThread(page, async () => {
    await page.setInputFiles("#file", file);
    await page.waitForSelector("#reading:not([hidden])");
    await page.waitForSelector("#reading", { state: "hidden", timeout: 50_000 });
  });
  rmSync(folder, { recursive: true });
  expect(await page.textContent("#data-facts")).toMatch(/^2,\d{3},000 rows/);
  expect(await page.textContent("#classes")).toMatch(/^no 2,\d{3},\d{3}83.3 %yes/);
  expect(Math.max(...tasks)).toBeLessThan(50);
  expect(errors).toEqual([]);
});

test("a table of 2,000 columns is shown in steps that keep nobody waiting", async () => {
  const folder = mkdtempSync(join(tmpdir(), "makeit-page-"));
  const file = join(folder, "wide.csv");
  const columns = Array.from({ length: 2000 }, (_, i) => `column ${i}`);
  const rows = Array.from({ length: 60 }, (_, row) =>
    [...columns.map((_, i) => (row * 7919 + i * 104729) % 1000), row % 5 ? "no" : "yes"].join(","),
  );
  writeFileSync(file, `${columns.join(",")},class\n${rows.join("\n")}\n`);
  const { page, errors } = await open();
  const tasks = await mainThread(page, async () => {
    await page.setInputFiles("#file", file);
    await page.waitForFunction(() => /no 48/.test(document.getElementById("classes")!.textContent!));
    await page.click("text=Show 60 more of 2,001 columns");
  });
  rmSync(folder, { recursive: true });
  expect(await page.locator("#columns select").count()).toBe(120);
  expect(await page.evaluate(() => document.activeElement!.ariaLabel)).toBe("What column 60 is");
  expect(await page.locator("#target option").count()).toBe(2002);
  expect(Math.max(...tasks)).toBeLessThan(50);
  expect(errors).toEqual([]);
});

test("fits every width from a telephone to a wide screen", async () => {
  const { page } = await open();
  await giveTable(page, "small.csv", TABLE);
  await set(page, SHORT_CONTROLS);
  await train(page);
  await page.click("#tab-1");
  await page.waitForSelector(".picture.curves svg");
  for (const width of [360, 414, 640, 768, 960, 1280, 1920]) {
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth];
    });
    expect(wide).toEqual([width, width]);
  }
});

test("what is loaded at first is light", () => {
  const app = readdirSync("dist/web").find((name) => name.startsWith("app-"))!;
  const folder = join("dist/web", app);
  const seen = new Set<string>();
  /** A file and what it imports statically; what is loaded when needed is not followed. */
  const follow = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const code = readFileSync(join(folder, name), "utf8");
    for (const [, next] of code.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g)) follow(next);
  };
  for (const entry of ["page.js", "studio.js", "split.js"]) follow(entry);
  const size = (name: string) => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  const script = [...seen].reduce((sum, name) => sum + size(name), 0);
  expect(seen.size).toBeGreaterThan(4);
  expect(readdirSync(folder).length).toBeGreaterThan(seen.size + 2); // pictures and Parquet are not among them
  expect(script).toBeLessThan(150_000);
  expect(size("style.css")).toBeLessThan(10_000);
});

test("nothing can be sent elsewhere or run from elsewhere", async () => {
  let asked = 0;
  const elsewhere = createServer((_, response) => {
    asked++;
    response.setHeader("Access-Control-Allow-Origin", "*").end();
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  const { page, origin } = await open();
  const answer = await page.request.get(origin);
  const told = await page.getAttribute("meta[http-equiv=Content-Security-Policy]", "content");
  expect(answer.headers()["content-security-policy"]).toBe(`${told}; frame-ancestors 'none'`);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const { port } = elsewhere.address() as AddressInfo;
  const blocked = await page.evaluate(async (host) => {
    const refused = async (work: () => unknown) => {
      try {
        await work();
        return false;
      } catch {
        return true;
      }
    };
    const violations: string[] = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      violations.push(event.effectiveDirective),
    );
    const tried = [
      await refused(() => fetch(`http://${host}/`)),
      await refused(async () => {
        const socket = new WebSocket(`ws://${host}/`);
        await new Promise((resolve, reject) => {
          socket.onopen = resolve;
          socket.onerror = reject;
        });
      }),
    ];
    document.body.append(Object.assign(document.createElement("img"), { src: `http://${host}/pixel.png` }));
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.body.append(script);
    window.setTimeout("window.injected = true");
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { tried, violations: [...new Set(violations)].sort(), injected: "injected" in window };
  }, `127.0.0.1:${port}`);
  expect(blocked).toEqual({
    tried: [true, true],
    violations: ["connect-src", "img-src", "script-src", "script-src-elem"],
    injected: false,
  });
  expect(asked).toBe(0);
  elsewhere.close();
});
