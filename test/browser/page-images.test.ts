/** Images on the page: a folder dropped, learnt from, looked at, saved, drawn from. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import type { Page } from "playwright";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { fit } from "../../sdk/index.ts";
import { encodePng, readImages } from "../../sdk/node.ts";
import { writeCsv } from "../../sdk/table/index.ts";
import { TestBrowser } from "./chromium.ts";
import {
  give,
  isOpen,
  mainThread,
  SHORT,
  SHORT_CONTROLS,
  saved,
  savedFile,
  set,
  train,
  type Visit,
  violations,
  visit,
} from "./page.ts";

const home = mkdtempSync(join(tmpdir(), "makeit-photos-"));
const photos = join(home, "photos");
let browser: TestBrowser;
let opened: Visit[] = [];
beforeAll(async () => {
  browser = await TestBrowser.start();
  await takePhotos();
});
afterEach(async () => {
  for (const { close } of opened) await close();
  opened = [];
});
afterAll(async () => {
  await browser.close();
  rmSync(home, { recursive: true });
});

async function open(options: Parameters<typeof visit>[1] = {}): Promise<Visit> {
  const page = await visit(browser, options);
  opened.push(page);
  return page;
}

const SIDE = 12;

/** Light images with a red spot at the left (10), or at the right (26), and one that is none. */
async function takePhotos(): Promise<void> {
  for (const [name, count, middle] of [
    ["left", 10, 3],
    ["right", 26, 8],
  ] as const) {
    mkdirSync(join(photos, name), { recursive: true });
    for (let i = 0; i < count; i++) writeFileSync(join(photos, name, `${i}.png`), await photo(middle, i));
  }
  writeFileSync(join(photos, "right", "torn.png"), (await photo(8, 1)).subarray(0, 60));
}

function photo(middle: number, number: number): Promise<Uint8Array> {
  const data = new Uint8Array(3 * SIDE * SIDE).map((_, at) => 200 + ((at * 7 + number * 13) % 50));
  const [x0, y0] = [middle + (number % 3) - 1, 5 + (number % 2)];
  for (const [dx, dy] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ]) {
    data.set([210, 30 + number, 20], 3 * ((y0 + dy) * SIDE + x0 + dx));
  }
  return encodePng({ width: SIDE, height: SIDE, data });
}

/** Drops files and folders of this machine, as a user does from a file manager. */
async function drop(page: Page, ...paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("from a folder of photos to generated ones, with the network gone since the page was loaded", async () => {
  const { page, errors, foreign, sent, cut } = await open();
  await cut();
  const tasks = await mainThread(page, async () => {
    await drop(page, photos);
    await isOpen(page, "photos");

    // What was understood, and what was left out.
    expect(await page.textContent("#data-facts")).toBe("36 images16 × 16 pixelsin colour");
    expect(await page.textContent("#classes")).toMatch(/right 26.*left 10/);
    expect(await page.inputValue("#positive")).toBe("left");
    expect(await page.textContent("#data-warnings")).toMatch(
      /1 of 37 images were left out: .*right\/torn\.png/,
    );
    expect(await page.locator("#glance img").count()).toBe(10 + 16);
    expect(await page.isVisible("#columns-box")).toBe(false);

    // Another size is read anew, and goes into the address; images have their own defaults.
    await page.selectOption("#size", "8x8");
    await page.waitForFunction(() => /8 × 8/.test(document.getElementById("data-facts")!.textContent!));
    await page.waitForURL(({ hash }) => hash === "#size=8x8");
    expect(await page.inputValue("#set-preset")).toBe("images");
    expect(await page.inputValue("#set-components")).toBe("64");
  });
  expect(await violations(page)).toEqual([]);

  const later = await mainThread(page, async () => {
    await set(page, SHORT_CONTROLS);
    await page.selectOption("#set-engine", "wasm");
    await train(page);
    await page.waitForSelector(".picture.methods svg");
    expect(await page.locator(".picture.importances svg").count()).toBe(1);
    await page.click("#tab-1");
    await page.waitForSelector(".picture.curves svg");
  });
  const pictures = await page.locator("#panel figure").evaluateAll((all) => all.map((one) => one.className));
  expect(pictures.map((name) => name.split(" ")[1])).toEqual([
    "images",
    "tree",
    "importance",
    "embedding",
    "distributions",
    "curves",
  ]);
  // The pictures in the pictures are shown too: the page's policy lets them.
  const widths = await page.locator(".picture.images image").evaluateAll((all) =>
    Promise.all(
      all.map(async (one) => {
        const image = new Image();
        image.src = one.getAttribute("href")!;
        await image.decode();
        return image.naturalWidth;
      }),
    ),
  );
  expect(widths).toHaveLength(4);
  expect(Math.min(...widths)).toBeGreaterThan(100);
  expect(await violations(page)).toEqual([]);

  // The files are those of Node, whose decoder is another.
  const table = await readImages(photos, { name: "photos", size: "8x8", skipBad: true });
  const here = await fit(table, { ...SHORT, target: "class", positive: "left", engine: "wasm" });
  expect(text((await savedFile(page, "synthetic.csv")).bytes)).toBe(writeCsv(here.synthetic));
  const sheet = await saved(page, () => page.click(".picture.images button"));
  expect(sheet.name).toBe("split-1-images.svg");
  expect(text(sheet.bytes)).toContain("data:image/png;base64,");
  const archive = (await savedFile(page, "All of it")).bytes;
  for (const file of ["split-2/images-left.png", "split-1/importance.png", "importances.svg"]) {
    expect(archive.includes(file), file).toBe(true);
  }

  // The model is opened again, and gives images.
  const model = await savedFile(page, "model.safetensors");
  await give(page, "mine.safetensors", model.bytes);
  await page.waitForFunction(() => document.getElementById("model-facts")!.textContent!.includes("mine"));
  expect(await page.textContent("#model-facts")).toContain("images of 8 × 8 pixels");
  await page.fill("#count-0", "5");
  await page.fill("#count-1", "3");
  await page.click("text=Draw images");
  await page.waitForSelector("#drawn img");
  expect(await page.locator("#drawn img").count()).toBe(8);
  expect(await page.getAttribute("#drawn img >> nth=0", "src")).toMatch(/^data:image\/png/);
  expect(await violations(page)).toEqual([]);
  const drawn = await saved(page, () => page.click("text=Save all 8 images as PNG"));
  expect(drawn.name).toBe("images.zip");
  expect(drawn.bytes.toString("latin1").match(/(left|right)\/\d\.png/g)).toHaveLength(16); // each twice: file, directory
  await page.setViewportSize({ width: 360, height: 780 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  expect(Math.max(...tasks, ...later)).toBeLessThan(50);
  expect({ errors, foreign, sent }).toEqual({ errors: [], foreign: [], sent: [] });
});

test("images come in many ways", async () => {
  const { page, errors } = await open({ hash: "#size=6x5&channels=grey" });
  const facts = () => page.textContent("#data-facts");

  // Two folders at once, at the size that the address says.
  await drop(page, join(photos, "left"), join(photos, "right"));
  await isOpen(page, "images");
  expect(await facts()).toBe("36 images6 × 5 pixelsin grey");

  // A folder that is chosen.
  await page.setInputFiles("#folder", photos);
  await isOpen(page, "photos");
  await page.selectOption("#channels", "auto");
  await page.selectOption("#size", "16x16");
  await page.waitForFunction(() => /in colour/.test(document.getElementById("data-facts")!.textContent!));
  await page.waitForURL(({ hash }) => hash === "");

  // Pictures beside a list that says what they are.
  const listed = await Promise.all([1, 2, 3, 4].map((i) => photo(i < 3 ? 3 : 8, i)));
  await page.setInputFiles("#file", [
    ...listed.map((bytes, i) => ({ name: `${i}.png`, mimeType: "image/png", buffer: Buffer.from(bytes) })),
    {
      name: "list.csv",
      mimeType: "text/csv",
      buffer: Buffer.from("path,label\n0.png,a\n1.png,a\n2.png,b\n3.png,b\n"),
    },
  ]);
  await isOpen(page, "images");
  expect(await page.textContent("#classes")).toMatch(/[ab] 2.*[ab] 2/);

  // IDX (MNIST) and CIFAR-10.
  const idx = (magic: number, ...sizes: number[]) => {
    const head = Buffer.alloc(4 + 4 * sizes.length);
    [magic, ...sizes].forEach((value, i) => void head.writeUInt32BE(value, 4 * i));
    return head;
  };
  const pixels = Buffer.from(Array.from({ length: 6 * 9 }, (_, i) => (i * 37) % 256));
  const octets = "application/octet-stream";
  await page.setInputFiles("#file", [
    {
      name: "train-images-idx3-ubyte",
      mimeType: octets,
      buffer: Buffer.concat([idx(0x803, 6, 3, 3), pixels]),
    },
    {
      name: "train-labels-idx1-ubyte",
      mimeType: octets,
      buffer: Buffer.concat([idx(0x801, 6), Buffer.from([7, 7, 1, 1, 1, 1])]),
    },
  ]);
  await page.waitForFunction(() => /6 images/.test(document.getElementById("data-facts")!.textContent!));
  expect(await facts()).toBe("6 images16 × 16 pixelsin grey");
  expect(await page.textContent("#classes")).toMatch(/1 4.*7 2/);
  const record = (label: number) =>
    Buffer.from([label, ...Array.from({ length: 3072 }, (_, i) => (i * 11) % 256)]);
  await give(page, "data_batch_1.bin", Buffer.concat([0, 0, 3, 3, 3].map(record)));
  await isOpen(page, "data_batch_1.bin");
  expect(await facts()).toBe("5 images16 × 16 pixelsin colour");

  // Arrays of NumPy.
  const npy = (descr: string, shape: string, body: Uint8Array) => {
    const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117);
    return Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
      Buffer.from(`${text}\n`),
      body,
    ]);
  };
  const arrays = {
    "x.npy": npy("|u1", "6, 3, 3", pixels),
    "y.npy": npy("|u1", "6,", Buffer.from([2, 2, 5, 5, 5, 5])),
  };
  await give(page, "arrays.npz", Buffer.from(zipSync(arrays)));
  await isOpen(page, "arrays.npz");
  expect(await facts()).toBe("6 images16 × 16 pixelsin grey");
  expect(await page.textContent("#classes")).toMatch(/5 4.*2 2/);

  // A table again: its columns are there, and nothing of images.
  await give(
    page,
    "table.csv",
    `a,class\n${Array.from({ length: 40 }, (_, i) => `${i},${i % 4 ? "x" : "y"}`).join("\n")}`,
  );
  await isOpen(page, "table.csv");
  expect(await page.isVisible("#images-box")).toBe(false);
  expect(await page.locator("#columns li").count()).toBe(2);
  expect(await page.inputValue("#set-preset")).toBe("default");
  expect(errors).toEqual([]);
});

test("what is no set of images is told, with a way out", async () => {
  const { page, errors } = await open();
  const problem = async (pattern: RegExp) => {
    await page.waitForFunction(
      (source) => new RegExp(source).test(document.getElementById("start-problem")!.textContent!),
      pattern.source,
    );
  };
  await drop(page, join(photos, "left", "1.png"), join(photos, "left", "2.png"));
  await problem(
    /all 2 images lie in one folder.*Put every image into a folder that is named after its class/,
  );
  await drop(page, join(photos, "left"));
  await problem(/at least two classes are needed/);
  const broken = join(home, "broken");
  for (const name of ["a", "b"]) {
    mkdirSync(join(broken, name), { recursive: true });
    writeFileSync(join(broken, name, "1.png"), "no picture");
  }
  await drop(page, broken);
  await problem(/none of 2 images can be read/);
  await page.setInputFiles("#file", [
    { name: "a.csv", mimeType: "text/csv", buffer: Buffer.from("a\n1\n") },
    { name: "b.csv", mimeType: "text/csv", buffer: Buffer.from("b\n1\n") },
  ]);
  await problem(/2 files at once, and none is an image/);
  expect(await page.isVisible("#bench")).toBe(false);
  expect(errors).toEqual([]);
});
