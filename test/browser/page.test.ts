import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { fit, openModel, sample } from "../../sdk/index.ts";
import { readTable, writeParquet } from "../../sdk/parquet.ts";
import { writeCsv } from "../../sdk/table/index.ts";
import { smallTable, withoutSeconds } from "../cli.ts";
import { TestBrowser } from "./chromium.ts";
import {
  give,
  giveTable,
  isOpen,
  SHORT,
  SHORT_CONTROLS,
  saved,
  savedFile,
  set,
  train,
  type Visit,
  visit,
} from "./page.ts";

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

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const TABLE = smallTable({ rows: 150 });
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("from a table to files and back, with the network gone since the page was loaded", async () => {
  const { page, errors, foreign, sent, cut } = await open();
  await cut();

  // What was understood: the last column holds classes, the rare one is found.
  await giveTable(page, "small.csv", TABLE);
  expect(await page.textContent("#data-facts")).toContain("150 rows");
  expect(await page.inputValue("#target")).toBe("rare");
  expect(await page.inputValue("#positive")).toBe("yes");
  expect(await page.textContent("#classes")).toMatch(/no 125.*yes 25/);
  expect(await page.locator("#columns li").count()).toBe(4);

  // A run that would take minutes is stopped; what it has is tested and kept.
  await set(page, { ...SHORT_CONTROLS, epochs: "100000", patience: "100000" });
  await page.click("#form button[type=submit]");
  await page.waitForFunction(() => /epoch (\d{2,}) of/.test(document.getElementById("phase")!.textContent!));
  expect(await page.locator("#chart path.mean").first().getAttribute("d")).toMatch(/^M[\d.]+ [\d.]+L/);
  expect(Number(await page.textContent("#tiles dd >> nth=0"))).toBeGreaterThan(0);
  expect(await page.textContent("#tiles dd >> nth=2")).toMatch(/\d (s|min|h)/);
  await page.click("#stop");
  await page.waitForSelector("#result:not([hidden])");
  expect(await page.textContent("#result .warnings")).toContain("Interrupted");
  expect(await page.textContent("#result .sentence")).toMatch(/^The synthetic data (helps|hurts|makes no)/);

  // Saved, and read again: the rows as a table, the model to draw from.
  const synthetic = await savedFile(page, "synthetic.csv");
  const model = await savedFile(page, "model.safetensors");
  const report = await savedFile(page, "report.html");
  expect(text(report.bytes)).toMatch(/^<!doctype html>[\s\S]*stopped after epoch/);
  expect((await openModel(model.bytes)).encoder.classes).toEqual(["no", "yes"]);
  await giveTable(page, "synthetic.csv", synthetic.bytes);
  expect(await page.inputValue("#target")).toBe("rare");
  const names = await page.locator("#columns .name").allTextContents();
  expect(names).toEqual(["length", "weight", "colour", "rare"]);
  await give(page, "mine.safetensors", model.bytes);
  await page.waitForFunction(() => document.getElementById("model-facts")!.textContent!.includes("mine"));
  await page.fill("#count-0", "3");
  await page.fill("#count-1", "9");
  await page.click("#sample-form button");
  const drawn = await saved(page, () => page.click("text=Save all 12 rows"));
  const rows = text(drawn.bytes).trim().split("\n");
  expect(rows.filter((row) => row.endsWith(",yes"))).toHaveLength(9);
  const again = await sample(await openModel(model.bytes), { counts: { no: 3, yes: 9 }, seed: 1 });
  expect(text(drawn.bytes)).toBe(writeCsv(again));

  // The Parquet reader is loaded when it is needed, from the browser's own store.
  const parquet = await writeParquet(await readTable(TABLE, { name: "small.csv" }));
  await giveTable(page, "small.parquet", parquet);
  expect(await page.textContent("#data-facts")).toContain("150 rows");

  // The page itself is stored too.
  await page.reload();
  expect(await page.textContent("h2")).toBe("Make rare cases count");
  expect({ errors, foreign, sent }).toEqual({ errors: [], foreign: [], sent: [] });
});

test("the same files as the SDK gives in Node, whatever the number of workers", async () => {
  const { page, errors } = await open();
  await giveTable(page, "small.csv", TABLE);
  await set(page, { ...SHORT_CONTROLS, jobs: "3" });
  await page.selectOption("#set-engine", "wasm");
  await train(page);
  const table = await readTable(TABLE, { name: "small.csv" });
  const here = await fit(table, { ...SHORT, target: "rare", positive: "yes", engine: "wasm" });
  expect(text((await savedFile(page, "synthetic.csv")).bytes)).toBe(writeCsv(here.synthetic));
  const model = await savedFile(page, "model.safetensors");
  expect(Buffer.compare(model.bytes, here.model.toBytes())).toBe(0);
  const report = JSON.parse(text((await savedFile(page, "report.json")).bytes));
  expect(withoutSeconds(report)).toEqual(withoutSeconds(JSON.parse(JSON.stringify(here.result))));

  // Pictures: every split's tree with its importances just below, and each can be saved.
  await page.click("#tab-2");
  await page.waitForSelector(".picture.curves svg");
  const classes = await page.locator("#panel figure").evaluateAll((all) => all.map((one) => one.className));
  expect(classes.map((name) => name.split(" ")[1])).toEqual([
    "tree",
    "importance",
    "embedding",
    "distributions",
    "curves",
  ]);
  const tree = await saved(page, () => page.click(".picture.tree button"));
  expect(tree.name).toBe("split-2-tree.svg");
  expect(text(tree.bytes)).toMatch(/^<svg [\s\S]*Decision tree/);
  const archive = await savedFile(page, "All of it");
  expect(archive.name).toBe("small-makeit.zip");
  expect(archive.bytes.includes(tree.bytes)).toBe(true);
  expect(archive.bytes.includes("split-1/embedding.svg")).toBe(true);
  expect(errors).toEqual([]);
});

test("the same rows from threads within a split", async () => {
  const made: string[] = [];
  for (const threads of [1, 3]) {
    const { page, errors } = await open({ hash: `#threads=${threads}&jobs=1` });
    let helpers = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/webHand.js")) helpers++;
    });
    await giveTable(page, "small.csv", TABLE);
    await set(page, { ...SHORT_CONTROLS, samples: "256" });
    await train(page);
    made.push(text((await savedFile(page, "synthetic.csv")).bytes));
    expect(helpers).toBe((threads - 1) * (SHORT.splits + 1)); // the last training is on all rows
    expect(errors).toEqual([]);
  }
  expect(made[1]).toBe(made[0]);
});

test("what cannot be used is told in place, with a way out", async () => {
  const { page, errors } = await open();
  const alert = (id: string) => page.textContent(`#${id}:not([hidden])`);

  await give(page, "photo.png", PIXEL);
  expect(await alert("start-problem")).toMatch(/photo\.png/);
  await give(page, "empty.csv", "");
  await page.waitForFunction(() => /empty\.csv/.test(document.getElementById("start-problem")!.textContent!));
  await give(page, "broken.safetensors", "not a model");
  await page.waitForFunction(() =>
    /not a whole makeit model/.test(document.getElementById("start-problem")!.textContent!),
  );

  // No target chosen: Train asks for it.
  await giveTable(
    page,
    "numbers.csv",
    `a,b\n${Array.from({ length: 60 }, (_, i) => `${i * 1.5},${i * i}`).join("\n")}\n`,
  );
  expect(await page.isHidden("#start-problem")).toBe(true);
  expect(await page.inputValue("#target")).toBe("");
  await page.click("#form button[type=submit]");
  expect(await page.evaluate(() => document.activeElement!.id)).toBe("target");
  expect(await page.getAttribute("#target", "aria-invalid")).toBe("true");
  expect(await page.textContent("#target-hint")).toMatch(/Choose the column/);
  expect(await page.isHidden("#training")).toBe(true);

  // A quantity is no class; said at the place, and Train does not start.
  await page.selectOption("#target", "b");
  expect(await alert("data-problem")).toMatch(/regression/);
  await page.click("#form button[type=submit]");
  expect(await page.isHidden("#training")).toBe(true);

  // One class.
  await giveTable(page, "one.csv", TABLE.replaceAll(",yes\n", ",no\n"));
  await page.selectOption("#target", "rare");
  expect(await alert("data-problem")).toMatch(/one class, "no"/);

  // A role that the cells contradict is told and given up.
  await giveTable(page, "small.csv", TABLE);
  await page.selectOption('select[aria-label="What colour is"]', "numeric");
  expect(await alert("data-problem")).toMatch(/colour/);
  expect(await page.inputValue('select[aria-label="What colour is"]')).toBe("");
  // One that fits is taken over.
  await page.selectOption('select[aria-label="What weight is"]', "drop");
  await page.waitForSelector("#columns .is-out");
  expect(await page.textContent("#columns .is-out .name")).toBe("weight");
  expect(await page.inputValue("#target")).toBe("rare");

  // A setting out of bounds keeps Train from starting.
  await set(page, { epochs: "0" });
  expect(await page.textContent("#form .problem")).toMatch(
    /Option epochs is 0; expected a whole number from 1/,
  );
  await page.click("#form button[type=submit]");
  expect(await page.isHidden("#training")).toBe(true);
  expect(errors).toEqual([]);
});

test("settings travel in the address, data never", async () => {
  const { page, errors } = await open({ hash: "#metric=roc_auc&lambda=2.5&epochs=7&nonsense=1&splits=1000" });
  expect(await page.inputValue("#set-metric")).toBe("roc_auc");
  expect(await page.inputValue("#set-lambda")).toBe("2.5");
  expect(await page.inputValue("#set-epochs")).toBe("7");
  expect(await page.inputValue("#set-splits")).toBe("5");
  expect(await page.textContent("#start-problem")).toMatch(/Unknown option "nonsense"/);
  await giveTable(page, "small.csv", TABLE);
  await page.selectOption("#target", "colour");
  await page.click("text=Decision tree");
  await set(page, { lambda: "1", seed: "7" });
  expect(new URL(page.url()).hash).toBe("#metric=roc_auc&epochs=7&classifier=tree&seed=7");
  // A table of the page's own may be named.
  await page.evaluate(() => document.querySelector<HTMLElement>("[data-demo=penguins]")!.click());
  await isOpen(page, "penguins.json");
  expect(new URL(page.url()).hash).toMatch(/^#demo=penguins&metric=roc_auc/);
  await giveTable(page, "small.csv", TABLE);
  expect(new URL(page.url()).hash).toMatch(/^#metric=roc_auc/);
  // λ follows the objective until it is set.
  await page.click("text=On their own");
  expect(await page.inputValue("#set-lambda")).toBe("0");
  await page.reload();
  expect(await page.inputValue("#set-seed")).toBe("7");
  expect(await page.isChecked("input[value=tree]")).toBe(true);
  expect(errors).toEqual([]);
});

test("a tab in the background goes on training", async () => {
  const { page, errors } = await open();
  await giveTable(page, "small.csv", TABLE);
  await set(page, SHORT_CONTROLS);
  // What Chromium does there: no animation frames, timers once a second.
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => true });
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    window.requestAnimationFrame = () => 0;
    const timer = window.setTimeout;
    window.setTimeout = ((work: () => void, wait = 0) =>
      timer(work, Math.max(1000, wait))) as typeof setTimeout;
  });
  await page.click("#form button[type=submit]");
  await expect.poll(() => page.textContent("#phase"), { timeout: 20_000 }).toMatch(/^Finished after/);
  await expect.poll(() => page.isVisible("#result"), { timeout: 20_000 }).toBe(true);
  expect(errors).toEqual([]);
});

test("a GPU that is lost in mid-run: it goes on in WebAssembly and says so", async () => {
  const { page } = await open();
  const gpu = await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null);
  expect(gpu, "this browser has no WebGPU").toBe(true);
  await giveTable(page, "small.csv", TABLE);
  await set(page, { ...SHORT_CONTROLS, epochs: "100000", patience: "100000" });
  await page.selectOption("#set-engine", "webgpu");
  await page.click("#form button[type=submit]");
  await page.waitForFunction(() => /epoch (\d+) of/.test(document.getElementById("phase")!.textContent!));
  expect(await page.textContent("#engine")).toMatch(/^WebGPU, \d+ splits? at a time/);
  const session = await page.context().browser()!.newBrowserCDPSession();
  const epoch = async () => Number(/epoch (\d+)/.exec((await page.textContent("#phase"))!)![1]);
  const before = await epoch();
  await session.send("Browser.crashGpuProcess");
  await expect.poll(epoch, { timeout: 30_000 }).toBeGreaterThan(before + 20);
  await page.click("#stop");
  await page.waitForSelector("#result:not([hidden])");
  expect(await page.textContent("#result .warnings")).toMatch(/Split 1, epoch \d+: The GPU was lost/);
  expect(await page.textContent("#engine")).toBe("WebGPU and WebAssembly: asked for");
});
