import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePng } from "../sdk/images/png.ts";
import { expectRefusal, makeit, type Outcome, readJson, SHORT, workplace } from "./cli.ts";
import { uniform } from "./fixtures/run.ts";

const place = workplace();
afterAll(() => place.dispose());

const CLASSES = ["dark & round", "light"];
const SIZE = 8;

/** 48 pictures in two folders: dark ones, and a third as many that are lighter. */
async function photos(folder: string): Promise<string> {
  const random = uniform(7);
  for (let i = 0; i < 48; i++) {
    const name = CLASSES[i % 4 === 0 ? 1 : 0];
    const base = (i % 4 === 0 ? 120 : 70) + 60 * random();
    const data = Uint8Array.from({ length: 3 * SIZE * SIZE }, () => base + 40 * random());
    const file = place.path(folder, name, `${i}.png`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, await encodePng({ width: SIZE, height: SIZE, data }));
  }
  return place.path(folder);
}

const SPLIT = ["curves", "distributions", "embedding", "images", "importance", "tree"].map(
  (name) => `${name}.svg`,
);
const PNG = ["importance.png", ...CLASSES.map((name) => `images-${name}.png`)];
const FILES = [
  ...["importances.png", "importances.svg", "methods.svg", "model.safetensors"],
  ...["reliability.svg", "report.html", "report.json"],
  ...["synthetic.csv", "split-1", "split-2"],
  ...[1, 2].flatMap((k) => [...SPLIT, ...PNG].map((name) => `split-${k}/${name}`)),
].sort();

let folder: string;
let fitted: Outcome;
beforeAll(async () => {
  folder = await photos("photos");
  fitted = await makeit(["fit", folder, "--size", "6x6", ...SHORT, "--out", place.path("out")]);
});

describe("fit on a folder of images", () => {
  test("writes what it writes of tables, and pictures", () => {
    expect(fitted).toMatchObject({ code: 0 });
    expect(place.files("out")).toEqual(FILES);
    const report = readJson(place.path("out/report.json"));
    expect(fitted.stdout.split("\n")[0]).toBe((report.verdict as { sentence: string }).sentence);
    expect(report).toMatchObject({
      data: { rows: 48, target: "class", classes: CLASSES, image: { width: 6, height: 6, channels: 3 } },
      options: { preset: "images" },
    });
    for (const name of FILES.filter((file) => file.endsWith(".png"))) {
      expect(decode(readFileSync(place.path("out", name))).channels).toBe(3);
    }
    const [head, ...rows] = readFileSync(place.path("out/synthetic.csv"), "utf8").trimEnd().split("\n");
    expect(head.split(",")).toHaveLength(6 * 6 * 3 + 1);
    expect(head).toMatch(/^r_0_0,g_0_0,b_0_0,r_0_1,.*,class$/);
    for (const row of rows.slice(0, 5))
      expect(row).toMatch(/^(?:[01](?:\.\d{1,4})?,){108}(?:light|dark & round)$/);
  });

  test("a run may be had in grey, from a list, with one class against the rest", async () => {
    const list = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12].map((i) => {
      const name = CLASSES[i % 4 === 0 ? 1 : 0];
      return `${JSON.stringify(`photos/${name}/${i}.png`)},${i % 4 === 0 ? "b" : "a"}`;
    });
    writeFileSync(place.path("list.csv"), `path,label\n${list.join("\n")}\n`);
    const words = ["fit", place.path("list.csv"), "--size", "4x4", "--channels", "grey", "--positive", "a"];
    const { code, stdout } = await makeit([...words, ...SHORT, "--json", "-q", "--out", place.path("grey")]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      data: { rows: 10, positive: "a", image: { width: 4, height: 4, channels: 1 } },
    });
  });
});

test("inspect says what the images are in a line", async () => {
  const { code, stdout } = await makeit(["inspect", folder]);
  expect(code).toBe(0);
  expect(stdout).toContain("48 images of 16 × 16 pixels, 768 columns r_y_x, g_y_x, b_y_x from 0 to 1");
  expect(stdout).toMatch(/light +12 +25 % +positive/);
  expect(stdout.split("\n").length).toBeLessThan(10);
});

describe("sample of an image model", () => {
  const model = () => place.path("out/model.safetensors");

  test("writes PNG files into class folders that can be read again", async () => {
    const out = place.path("more");
    const counts = ["--counts", "light=3,dark & round=9"];
    expect(await makeit(["sample", model(), ...counts, "--out", out])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("12 images in"),
    });
    expect(place.files("more").filter((name) => name.startsWith("light/"))).toHaveLength(3);
    for (const name of place.files("more").filter((file) => file.endsWith(".png"))) {
      expect(decode(readFileSync(place.path("more", name)))).toMatchObject({
        width: 6,
        height: 6,
        channels: 3,
      });
    }
    const { stdout } = await makeit(["inspect", out, "--size", "6x6", "--json"]);
    const { target } = JSON.parse(stdout);
    expect(target.classes).toMatchObject([
      { name: "dark & round", rows: 9 },
      { name: "light", rows: 3 },
    ]);
    const csv = await makeit(["sample", model(), ...counts]);
    const rows = csv.stdout.trimEnd().split("\n").slice(1);
    const first = rows.findIndex((row) => row.endsWith("light"));
    const file = place.files("more").find((name) => /light\/\d+\.png$/.test(name))!;
    const pixels = decode(readFileSync(place.path("more", file))).data;
    const values = rows[first].split(",").slice(0, -1).map(Number);
    expect([...pixels]).toEqual(values.map((value) => Math.round(value * 255)));
  });

  test("is refused where it would harm or make no sense", async () => {
    const ask = (...words: string[]) => makeit(["sample", model(), "--rows", "5", ...words]);
    expectRefusal(
      await ask("--out", folder),
      /photos is not empty \(2 entries\)[\s\S]*Name another one with --out\.\n/,
    );
    expectRefusal(await ask("--out", place.path("new"), "--force"), /--force replaces a file, not a folder/);
    expectRefusal(await ask("--out", place.path("rows.png")), /no format goes with this name/);
    expect(place.files()).not.toContain("new");
  });
});

test("evaluate compares images with generated rows or images", async () => {
  const flags = ["--size", "6x6", "--splits", "2", "--json", "-q"];
  for (const made of ["out/synthetic.csv", "more"]) {
    const { code, stdout, stderr } = await makeit(["evaluate", folder, place.path(made), ...flags]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ rows: { real: 48 }, metric: "f1" });
  }
});

describe("refusals", () => {
  const fit = (...words: string[]) => makeit(["fit", ...words, ...SHORT, "--out", place.path("refused")]);

  test("of flags that go with tables or with images", async () => {
    expectRefusal(await fit(folder, "--drop", "r_0_0"), /--drop goes with tables, and these are images/);
    expectRefusal(await fit(folder, "--size", "big"), /size of images is big, expected width x height/);
    expectRefusal(
      await fit(folder, "--background", "pink"),
      /--background is "pink"; expected white, black or red/,
    );
    expectRefusal(
      await fit(folder, "-t", "label"),
      /--target is "label", but the class of images is .*"class"/,
    );
    writeFileSync(place.path("table.csv"), "a,b\n1,x\n2,y\n3,x\n4,y\n");
    const table = place.path("table.csv");
    expectRefusal(
      await fit(table, "-t", "b", "--skip-bad"),
      /--skip-bad goes with images, and this is a table/,
    );
    expectRefusal(
      await fit(table, "--size", "4x4"),
      /has the columns a, b; a column of paths and one of labels/,
    );
  });

  test("of files that cannot be read; --skip-bad leaves them out and says so", async () => {
    await photos("damaged");
    writeFileSync(place.path("damaged", "light", "bad.png"), "no image");
    const damaged = place.path("damaged");
    expectRefusal(await fit(damaged), /light\/bad\.png is not an image; PNG, JPEG and WebP are read\./);
    expect(place.files()).not.toContain("refused");
    const { code, stderr } = await makeit(["inspect", damaged, "--skip-bad"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: 1 of 49 images were left out: light\/bad\.png is not an image/);
  });
});
