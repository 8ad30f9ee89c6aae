import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Cpu, type ExtraExports } from "../sdk/engine/module.ts";
import { MakeitError } from "../sdk/errors.ts";
import { imageFromRow, type Picture, unfurl } from "../sdk/image.ts";
import { encodePng } from "../sdk/images/png.ts";
import { readImages as readInCore } from "../sdk/images/read.ts";
import { readImages } from "../sdk/node.ts";
import { cellText, type Table } from "../sdk/table/table.ts";
import { uniform } from "./fixtures/run.ts";

const home = mkdtempSync(join(tmpdir(), "makeit-images-"));
const path = (...parts: string[]) => join(home, ...parts);
let cpu: Cpu<ExtraExports>;
beforeAll(async () => {
  cpu = await Cpu.openExtra();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function put(file: string, data: string | Uint8Array): string {
  mkdirSync(dirname(path(file)), { recursive: true });
  writeFileSync(path(file), data);
  return path(file);
}

/** Random bytes, the same for the same seed. */
function noise(width: number, height: number, channels: number, seed = 1): Picture {
  const random = uniform(seed);
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * channels }, () => 256 * random()),
  };
}

/** Colours that change slowly, as in photographs. */
function gradient(width: number, height: number): Picture {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      data.set([(255 * x) / width, (255 * y) / height, 128], 3 * (y * width + x));
  }
  return { width, height, data };
}

const raw = ({ width, height, data }: Picture) => {
  const channels = (data.length / width / height) as 1 | 3 | 4;
  return sharp(data, { raw: { width, height, channels } });
};

/** The class of each row. */
const labels = (table: Table) => {
  const column = table.columns.find(({ name }) => name === "class")!;
  return Array.from({ length: table.rows }, (_, row) => cellText(column, row));
};

/** A row's values in the order of its columns. */
const rowOf = (table: Table, row: number) => table.columns.slice(0, -1).map(({ values }) => values![row]);

/** What is said about the input: message and hint. */
async function refusal(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => new Error("nothing was refused"),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(MakeitError);
  expect((error as MakeitError).code).toBe("input");
  expect(error.message).toMatch(/^[^\n]{10,250}$/);
  return `${error.message} ${(error as MakeitError).hint}`;
}

describe("a folder of class folders", () => {
  test("becomes a table: pixels in [0, 1], the class last, rows by path, the same twice", async () => {
    const [one, two, three] = [1, 2, 3].map((seed) => noise(4, 3, 3, seed));
    put("pets/dogs/b.png", await encodePng(two));
    put("pets/cats/deep/a.png", await encodePng(three));
    put("pets/cats/a.png", await encodePng(one));
    put("pets/cats/.hidden.png", "not an image");
    put("pets/Thumbs.db", "");
    put("pets/readme.txt", "about");
    const table = await readImages(path("pets"), { size: "4x3" });
    expect(table).toMatchObject({ rows: 3, image: { width: 4, height: 3, channels: 3 } });
    expect(table.columns).toHaveLength(37);
    expect(table.columns.slice(0, 4).map(({ name }) => name)).toEqual(["r_0_0", "g_0_0", "b_0_0", "r_0_1"]);
    expect(labels(table)).toEqual(["cats", "cats", "dogs"]);
    [one, three, two].forEach((picture, row) => {
      expect(imageFromRow(cpu, table, row)).toEqual(picture);
    });
    expect(table.warnings).toEqual([expect.stringMatching(/pets: 1 file that is no image was left out\./)]);
    expect(await readImages(path("pets"), { size: { width: 4, height: 3 } })).toEqual(table);
  });

  test("says which pixels are the same in every image", async () => {
    const [a, b] = [noise(2, 2, 3, 1), noise(2, 2, 3, 2)];
    b.data[4] = a.data[4];
    put("same/x/1.png", await encodePng(a));
    put("same/y/1.png", await encodePng(b));
    const { columns } = await readImages(path("same"), { size: "2x2" });
    expect(columns.filter(({ role }) => role === "constant").map(({ name }) => name)).toEqual(["g_0_1"]);
  });

  test("images that lie elsewhere are named", async () => {
    put("flat/1.png", await encodePng(noise(2, 2, 3)));
    expect(await refusal(readImages(path("flat")))).toMatch(/all 1 images lie in one folder.*two classes/);
    put("mixed/a/1.png", await encodePng(noise(2, 2, 3)));
    put("mixed/2.png", await encodePng(noise(2, 2, 3)));
    expect(await refusal(readImages(path("mixed")))).toMatch(/2\.png lies beside the class folders/);
    mkdirSync(path("empty"));
    expect(await refusal(readImages(path("empty")))).toMatch(/holds no files/);
    put("text/notes.txt", "none");
    expect(await refusal(readImages(path("text")))).toMatch(/holds no images.*class folders/);
    expect(await refusal(readImages(path("nowhere")))).toMatch(/There is no file .*nowhere/);
  });
});

describe("files of every kind", () => {
  const read = async (name: string, data: Uint8Array, options = {}) => {
    put(`kinds/a/${name}`, data);
    put("kinds/b/other.png", await encodePng(noise(6, 4, 3, 9)));
    const table = await readImages(path("kinds"), { size: "6x4", ...options });
    rmSync(path("kinds"), { recursive: true });
    return imageFromRow(cpu, table, 0);
  };
  const colour = noise(6, 4, 3);

  test("PNG: colour, palette, 16 bits, grey, alpha, interlaced", async () => {
    expect(await read("1.png", await raw(colour).png().toBuffer())).toEqual(colour);
    expect(await read("1.png", await raw(colour).png({ progressive: true }).toBuffer())).toEqual(colour);
    const few = { ...colour, data: colour.data.map((byte) => (byte > 127 ? 255 : 0)) };
    expect(await read("1.png", await raw(few).png({ palette: true }).toBuffer())).toEqual(few);
    const deep = await raw(colour).toColourspace("rgb16").png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe("ushort");
    expect(await read("1.png", deep)).toEqual(colour);
    const grey = noise(6, 4, 1);
    const plain = await raw(grey).toColourspace("b-w").png().toBuffer();
    expect((await sharp(plain).metadata()).channels).toBe(1);
    expect(await read("1.png", plain)).toEqual({
      ...colour,
      data: Uint8Array.from({ length: 72 }, (_, i) => grey.data[Math.floor(i / 3)]),
    });
  });

  test("alpha shows the background", async () => {
    const clear = noise(6, 4, 4);
    const png = await raw(clear).png().toBuffer();
    for (const background of [undefined, [0, 0, 0], [10, 200, 77]] as (
      | [number, number, number]
      | undefined
    )[]) {
      const [back, shape] = [background ?? [255, 255, 255], { width: 6, height: 4 }];
      const seen = await read("1.png", png, { background });
      seen.data.forEach((byte, i) => {
        const alpha = clear.data[4 * Math.floor(i / 3) + 3] / 255;
        const exact = clear.data[4 * Math.floor(i / 3) + (i % 3)] * alpha + back[i % 3] * (1 - alpha);
        expect(Math.abs(byte - exact)).toBeLessThanOrEqual(0.52); // rounded to four digits, then to a byte
      });
      expect(seen).toMatchObject(shape);
    }
  });

  test("WebP without loss as it was; JPEG and WebP with loss as near as they keep it", async () => {
    expect(await read("1.webp", await raw(colour).webp({ lossless: true }).toBuffer())).toEqual(colour);
    const smooth = gradient(64, 48);
    const small = unfurl(cpu, smooth, { width: 6, height: 4 });
    for (const [name, file] of [
      ["1.jpg", await raw(smooth).jpeg({ quality: 95 }).toBuffer()],
      ["1.jpeg", await raw(smooth).jpeg({ progressive: true, quality: 95 }).toBuffer()],
      ["1.webp", await raw(smooth).webp({ quality: 95 }).toBuffer()],
    ] as const) {
      const seen = await read(name, file);
      seen.data.forEach((byte, i) => {
        expect(Math.abs(byte - 255 * small[i]), `${name}, byte ${i}`).toBeLessThan(3);
      });
    }
  });

  test("the name does not matter, the content does; EXIF turns a picture", async () => {
    expect(await read("1.png", await raw(colour).webp({ lossless: true }).toBuffer())).toEqual(colour);
    const smooth = gradient(48, 32);
    const turned = await raw(smooth).withMetadata({ orientation: 3 }).jpeg({ quality: 95 }).toBuffer();
    const seen = await read("1.jpg", turned);
    expect(seen.data[0]).toBeGreaterThan(200); // dark at the left as it is stored
  });

  test("colour as grey", async () => {
    const png = await raw(colour).png().toBuffer();
    const seen = await read("1.png", png, { channels: "grey" });
    expect(seen.data).toHaveLength(24);
    seen.data.forEach((byte, i) => {
      const [r, g, b] = colour.data.subarray(3 * i);
      expect(Math.abs(byte - (0.299 * r + 0.587 * g + 0.114 * b))).toBeLessThanOrEqual(0.52);
    });
  });
});

describe("what must not be decoded", () => {
  const bad: [name: string, data: () => Promise<Uint8Array> | Uint8Array, message: RegExp][] = [
    ["empty.png", () => new Uint8Array(0), /empty\.png is empty/],
    ["words.png", () => new TextEncoder().encode("hello"), /words\.png is not an image; PNG, JPEG and WebP/],
    ["start.png", async () => (await encodePng(noise(9, 9, 3))).subarray(0, 20), /start\.png is cut short/],
    ["half.png", async () => (await encodePng(noise(99, 99, 3))).subarray(0, 9000), /half\.png is cut short/],
    [
      "half.jpg",
      async () =>
        (
          await raw(noise(99, 99, 3))
            .jpeg()
            .toBuffer()
        ).subarray(0, 3000),
      /half\.jpg is cut/,
    ],
    [
      "half.webp",
      async () =>
        (
          await raw(noise(99, 99, 3))
            .webp()
            .toBuffer()
        ).subarray(0, 3000),
      /half\.webp is cut/,
    ],
    [
      "flipped.png",
      async () => flip(await encodePng(noise(50, 50, 3)), 4000),
      /flipped\.png is cut short or damaged/,
    ],
    [
      "print.jpg",
      () =>
        raw(noise(9, 9, 3))
          .toColourspace("cmyk")
          .jpeg()
          .toBuffer(),
      /print\.jpg .*CMYK.*RGB/,
    ],
    ["film.png", async () => animated(await encodePng(noise(9, 9, 3))), /film\.png is an animation/],
    ["film.webp", film, /film\.webp is an animation/],
    [
      "old.gif",
      () =>
        raw(noise(9, 9, 3))
          .gif()
          .toBuffer(),
      /old\.gif is in the format GIF; .*PNG/,
    ],
    [
      "big.tif",
      () =>
        raw(noise(9, 9, 3))
          .tiff()
          .toBuffer(),
      /big\.tif is in the format TIFF/,
    ],
    [
      "new.avif",
      () =>
        raw(noise(9, 9, 3))
          .avif()
          .toBuffer(),
      /new\.avif is in the format AVIF or HEIC/,
    ],
    ["bomb.png", () => claims(60_000, 60_000), /bomb\.png has 60000 × 60000 pixels; up to 50000000/],
    ["strip.png", () => claims(40_000, 2), /strip\.png has 40000 × 2 pixels.*16384 a side/],
    ["none.png", () => claims(0, 5), /none\.png is cut short or damaged/],
  ];

  test.each(bad)("%s", async (name, data, message) => {
    put(`bad-${name}/a/${name}`, await data());
    put(`bad-${name}/b/good.png`, await encodePng(noise(2, 2, 3)));
    expect(await refusal(readImages(path(`bad-${name}`)))).toMatch(message);
  });

  test("is left out, counted and listed where asked", async () => {
    for (const [name, data] of bad) put(`skip/a/${name}`, await data());
    put("skip/a/good.png", await encodePng(noise(2, 2, 3)));
    put("skip/b/good.png", await encodePng(noise(2, 2, 3, 2)));
    const table = await readImages(path("skip"), { skipBad: true });
    expect(labels(table)).toEqual(["a", "b"]);
    const [warning] = table.warnings;
    expect(warning).toMatch(new RegExp(`^${bad.length} of ${bad.length + 2} images were left out: `));
    for (const [name] of bad) expect(warning).toContain(name);
    rmSync(path("skip/a/good.png"));
    put("skip/b/good.png", "bad");
    expect(await refusal(readImages(path("skip"), { skipBad: true }))).toMatch(
      /none of 17 images can be read/,
    );
  });

  test("more pixels where they are allowed, fewer where not", async () => {
    put("limits/a/1.png", await encodePng(noise(40, 30, 3)));
    put("limits/b/1.png", await encodePng(noise(4, 3, 3)));
    expect(await refusal(readImages(path("limits"), { maxPixels: 1199 }))).toMatch(
      /40 × 30 pixels; up to 1199/,
    );
    expect(await readImages(path("limits"), { maxPixels: 1200 })).toMatchObject({ rows: 2 });
  });

  test("sizes and channels that make no table", async () => {
    const reading = (options: object) => refusal(readImages(path("limits"), options));
    for (const size of ["16", "0x4", "300x2", "16x", "axb", "1.5x2"]) {
      expect(await reading({ size })).toMatch(/size of images is .*width x height such as 16x16/);
    }
    expect(await reading({ channels: "hsv" })).toMatch(/channels is "hsv"/);
  });
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const out = bytes.slice();
  out[at] ^= 255;
  return out;
}

/** A PNG with a chunk before its pixels that says it has frames. */
function animated(png: Uint8Array): Uint8Array {
  const chunk = Uint8Array.of(0, 0, 0, 8, 97, 99, 84, 76, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0);
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

/** A PNG header that claims a size, and nothing behind it. */
function claims(width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(33);
  bytes.set([137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  bytes.set([8, 2, 0, 0, 0], 24);
  return bytes;
}

async function film(): Promise<Uint8Array> {
  const frames = await Promise.all(
    [1, 2].map((seed) =>
      raw(noise(9, 9, 3, seed))
        .png()
        .toBuffer(),
    ),
  );
  return sharp(frames, { join: { animated: true } })
    .webp({ loop: 0, delay: [100, 100] })
    .toBuffer();
}

describe("a CSV of paths and labels", () => {
  test("reads what it lists, in its order, from its own folder", async () => {
    const pictures = [1, 2, 3].map((seed) => noise(3, 3, 3, seed));
    put("list/images/one.png", await encodePng(pictures[0]));
    put("list/two.png", await encodePng(pictures[1]));
    put("list/more/three.png", await encodePng(pictures[2]));
    const rows = ["images/one.png,7", "./images/../more/three.png,9", `${path("list/two.png")},7`];
    const csv = put("list/faces.csv", `File,Label\n${rows.join("\n")}\n`);
    const table = await readImages(csv, { size: "3x3" });
    expect(labels(table)).toEqual(["7", "9", "7"]);
    [pictures[0], pictures[2], pictures[1]].forEach((picture, row) => {
      expect(imageFromRow(cpu, table, row)).toEqual(picture);
    });
  });

  test("reads nothing outside of its own folder, and no devices", async () => {
    const reading = (file: string) => refusal(readImages(put("list/sly.csv", `path,label\n"${file}",x\n`)));
    put("other/one.png", await encodePng(noise(3, 3, 3, 1)));
    for (const file of [
      "../other/one.png",
      "images/../../other/one.png",
      path("other/one.png"),
      "/etc/passwd",
      "/dev/zero",
    ])
      expect(await reading(file), file).toMatch(/names .*, which lies outside of its folder/);
    symlinkSync("/dev/zero", path("list/endless.png"));
    expect(await reading("endless.png")).toMatch(/endless\.png is no file/);
  });

  test("names what is missing", async () => {
    const reading = (text: string) => refusal(readImages(put("list/bad.csv", text)));
    expect(await reading("a,b\n1,2\n")).toMatch(/has the columns a, b; .*path and label/);
    expect(await reading("path,label\ntwo.png,x\ntwo.png,\n")).toMatch(/bad\.csv, row 2 has no label/);
    expect(await reading("path,label\nthree.png,x\ntwo.png,y\n")).toMatch(/There is no file .*three\.png/);
  });
});

describe("IDX", () => {
  const count = 6;
  const [width, height] = [5, 4];
  const pixels = noise(width * height, count, 1).data;
  const tags = Uint8Array.of(3, 1, 3, 1, 3, 0);
  const idx = (shape: number[], data: ArrayLike<number>) => {
    const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
    bytes.set([0, 0, 8, shape.length]);
    shape.forEach((size, i) => {
      new DataView(bytes.buffer).setUint32(4 + 4 * i, size);
    });
    bytes.set(data, 4 + 4 * shape.length);
    return bytes;
  };
  const images = idx([count, height, width], pixels);

  test.each([
    ["idx/train-images-idx3-ubyte", "idx/train-labels-idx1-ubyte", false],
    ["gz/train-images-idx3-ubyte.gz", "gz/train-labels-idx1-ubyte.gz", true],
    ["half/t10k-images.idx3-ubyte.gz", "half/t10k-labels.idx1-ubyte", true],
  ])("%s with its labels", async (file, labelled, packed) => {
    const main = put(file, packed ? gzipSync(images) : images);
    put(labelled, labelled.endsWith("gz") ? gzipSync(idx([count], tags)) : idx([count], tags));
    const table = await readImages(main, { size: `${width}x${height}` });
    expect(table).toMatchObject({ rows: count, image: { channels: 1 } });
    expect(labels(table)).toEqual([...tags].map(String));
    for (let i = 0; i < count; i++) {
      const data = pixels.subarray(i * width * height, (i + 1) * width * height);
      expect(imageFromRow(cpu, table, i)).toEqual({ width, height, data });
    }
  });

  test("in memory, and in colour", async () => {
    const files = [
      { name: "a/x-images-idx3-ubyte", data: images },
      { name: "a/x-labels-idx1-ubyte", data: idx([count], tags) },
    ];
    const table = await readInCore(files, { size: "4x4", channels: "rgb" });
    expect(table).toMatchObject({ rows: count, image: { channels: 3 } });
    const [r, g, b] = rowOf(table, 2);
    expect([g, b]).toEqual([r, r]);
  });

  test("what does not fit is said", async () => {
    const reading = (a: Uint8Array, b?: Uint8Array) =>
      refusal(
        readInCore([
          { name: "images-idx3-ubyte", data: a },
          ...(b ? [{ name: "labels-idx1-ubyte", data: b }] : []),
        ]),
      );
    expect(await reading(images)).toMatch(/no file labels-idx1-ubyte with the labels/);
    expect(await reading(images, idx([5], tags.subarray(1)))).toMatch(/array of 5, expected 6 labels/);
    expect(await reading(images.subarray(0, 50), idx([count], tags))).toMatch(/= 120 bytes and holds 34/);
    expect(await reading(idx([count, 5, 5], pixels), idx([count], tags))).toMatch(
      /= 150 bytes and holds 120/,
    );
    const bomb = gzipSync(Buffer.concat([images, new Uint8Array(50_000_000)]));
    expect(await reading(bomb, idx([count], tags))).toMatch(/= 120 bytes and holds more/);
    const giant = idx([4_000_000_000, 28, 28], []);
    expect(await reading(giant, idx([count], tags))).toMatch(/says it holds 4000000000 × 28 × 28 bytes/);
    expect(await reading(new TextEncoder().encode("x".repeat(600)), idx([count], tags))).toMatch(
      /no IDX file/,
    );
    expect(await reading(gzipSync(images).subarray(0, 60), idx([count], tags))).toMatch(
      /not a whole gzip file/,
    );
  });
});

describe("CIFAR-10", () => {
  const record = (label: number, seed: number) => {
    const data = new Uint8Array(noise(32, 32, 3, seed).data);
    const planes = [0, 1, 2].map((c) => data.filter((_, i) => i % 3 === c));
    return { data, bytes: Buffer.concat([Uint8Array.of(label), ...planes]) };
  };
  const records = [record(0, 1), record(9, 2), record(0, 3), record(9, 4)];
  const batch = (...which: number[]) => Buffer.concat(which.map((i) => records[i].bytes));

  test("one batch, or the training batches of a folder under the classes' names", async () => {
    const one = put("cifar-one/data.bin", batch(0, 1));
    const table = await readImages(one, { size: "32x32" });
    expect(labels(table)).toEqual(["0", "9"]);
    expect(imageFromRow(cpu, table, 1).data).toEqual(records[1].data);

    put("cifar/data_batch_1.bin", batch(0, 1));
    put("cifar/data_batch_2.bin", batch(2));
    put("cifar/test_batch.bin", batch(3));
    put("cifar/batches.meta.txt", "airplane\na\nb\nc\nd\ne\nf\ng\nh\ntruck\n\n");
    const all = await readImages(path("cifar"), { size: "32x32" });
    expect(labels(all)).toEqual(["airplane", "truck", "airplane"]);
    expect(imageFromRow(cpu, all, 2).data).toEqual(records[2].data);
    expect(all.warnings).toEqual([expect.stringMatching(/test batch is left out: 2 training/)]);
  });

  test("other files of the same ending are refused", async () => {
    const file = put("cifar-bad/data.bin", batch(0).subarray(0, 3000));
    expect(await refusal(readImages(file))).toMatch(/data\.bin \(3000 bytes\) is no batch of CIFAR-10/);
    const labelled = Buffer.from(batch(0));
    labelled[0] = 20;
    expect(await refusal(readImages(put("cifar-bad/data.bin", labelled)))).toMatch(/no batch of CIFAR-10/);
  });
});

describe(".npz", () => {
  const npy = (
    type: string,
    shape: number[],
    data: Uint8Array | Float32Array | BigInt64Array,
    order = "False",
  ) => {
    const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
    const text = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${tuple}), }`;
    const header = `${text.padEnd(117)}\n`;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const magic = Buffer.from([0x93, 78, 85, 77, 80, 89, 1, 0, header.length, 0]);
    return new Uint8Array(Buffer.concat([magic, Buffer.from(header), bytes]));
  };
  const [count, width, height] = [4, 5, 3];
  const colour = new Uint8Array(noise(width * height, count, 3).data);
  const picture = (i: number) => ({ width, height, data: colour.slice(45 * i, 45 * (i + 1)) });
  const digits = npy("<i8", [count], BigInt64Array.of(4n, 2n, 4n, 2n));
  const read = (arrays: Record<string, Uint8Array>, options = {}) => {
    const named = Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes]));
    return readInCore({ name: "set.npz", data: zipSync(named) }, { size: `${width}x${height}`, ...options });
  };

  test("channels last, first, or none; bytes or fractions; labels of several types", async () => {
    const last = await read({ x: npy("|u1", [count, height, width, 3], colour), y: digits });
    expect(labels(last)).toEqual(["4", "2", "4", "2"]);
    for (let i = 0; i < count; i++) expect(imageFromRow(cpu, last, i)).toEqual(picture(i));

    const planes = new Uint8Array(colour.length);
    colour.forEach((byte, i) => {
      const [image, rest] = [Math.floor(i / 45), i % 45];
      planes[image * 45 + (rest % 3) * 15 + Math.floor(rest / 3)] = byte;
    });
    const words = new Uint32Array([..."cat\0dog\0cat\0dog\0"].map((letter) => letter.codePointAt(0)!));
    const first = await read({
      images: npy("|u1", [count, 3, height, width], planes),
      labels: npy("<U4", [count], new Uint8Array(words.buffer)),
    });
    expect(labels(first)).toEqual(["cat", "dog", "cat", "dog"]);
    expect(imageFromRow(cpu, first, 3)).toEqual(picture(3));

    const fractions = Float32Array.from(colour, (byte) => byte / 255);
    const trained = await read({
      train_images: npy("<f4", [count, height, width, 3], fractions),
      train_labels: npy("|u1", [count, 1], Uint8Array.of(4, 2, 4, 2)),
      test_images: npy("<f4", [1, height, width, 3], fractions.subarray(0, 45)),
      test_labels: npy("|u1", [1, 1], Uint8Array.of(4)),
    });
    expect(imageFromRow(cpu, trained, 2)).toEqual(picture(2));
    expect(trained.warnings[0]).toMatch(/test_images .*test_labels .* were not read/);

    const grey = await read({
      x: npy("|u1", [12, height, width], colour),
      y: npy("|b1", [12], new Uint8Array(12).fill(1, 6)),
    });
    expect(grey.image).toMatchObject({ channels: 1 });
    expect(labels(grey).join("")).toBe("000000111111");
  });

  test("what does not fit is said", async () => {
    const images = npy("|u1", [count, height, width, 3], colour);
    const reading = (arrays: Record<string, Uint8Array>) => refusal(read(arrays));
    expect(await reading({ y: digits })).toMatch(/no array of images .* among y \(4, <i8\)/);
    expect(await reading({ x: images })).toMatch(/no array of 4 labels beside the images "x"/);
    expect(await reading({ a: images, b: images, y: digits })).toMatch(/more than one array of images/);
    expect(await reading({ x: images, y: npy("<i8", [3], new BigInt64Array(3)) })).toMatch(
      /no array of 4 labels/,
    );
    expect(await reading({ x: npy("|u1", [count, height, width, 3], colour, "True"), y: digits })).toMatch(
      /Fortran/,
    );
    expect(await reading({ x: images.subarray(0, 200), y: digits })).toMatch(/cut short/);
    expect(await reading({ x: npy("<i2", [count, 3, 5, 3], new Uint8Array(360)), y: digits })).toMatch(
      /of type <i2/,
    );
    const labelled = (type: string, bytes: number, shape = [count]) =>
      reading({ x: images, y: npy(type, shape, new Uint8Array(bytes)) });
    for (const [type, size] of [
      ["<f2", 2],
      ["<c16", 16],
      ["|O", 8],
    ] as const)
      expect(await labelled(type, count * size)).toMatch(/whole numbers or text|holds objects/);
    expect(await labelled("<U2000", count * 8000)).toMatch(/of type <U2000/);
    expect(await labelled("<U2", count * 8)).toMatch(/label 1 of "y" is empty/);
    expect(await labelled("<U0", 0)).toMatch(/cut short/);
    expect(await labelled("|u1", 0, [0])).toMatch(/is empty/);
    const large = Float32Array.from(colour);
    expect(await reading({ x: npy("<f4", [count, 3, 5, 3], large), y: digits })).toMatch(
      /fractions from 0 to 1/,
    );
    expect(await reading({ x: images, y: npy("<f4", [count], Float32Array.of(1, 2, 0.5, 1)) })).toMatch(
      /label 3 .* is 0.5/,
    );
    const lying = zipSync({ "a.npy": new Uint8Array(99) });
    const view = new DataView(lying.buffer);
    const end = lying.length - 22;
    view.setUint32(view.getUint32(end + 16, true) + 24, 2 ** 30, true);
    expect(await refusal(readInCore({ name: "set.npz", data: lying }))).toMatch(
      /unpacks to more than 100 times/,
    );
    view.setUint16(end + 8, 60_000, true);
    view.setUint16(end + 10, 60_000, true);
    view.setUint32(view.getUint32(end + 16, true) + 24, 99, true);
    expect(await refusal(readInCore({ name: "set.npz", data: lying }))).toMatch(/not a whole \.npz/);
    expect(await refusal(readInCore({ name: "set.npz", data: new Uint8Array(50) }))).toMatch(
      /not a whole \.npz/,
    );
  });
});

describe("in a browser", () => {
  test("the platform's decoder is asked for the bytes as they are stored", async () => {
    const bitmap = { width: 2, height: 1, close: vi.fn() };
    const asked = vi.fn(async (_blob: Blob, _options: object) => bitmap);
    const getImageData = () => ({ data: Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255) });
    class Canvas {
      getContext = (kind: string) => (kind === "2d" ? { drawImage: () => {}, getImageData } : null);
    }
    vi.stubGlobal("createImageBitmap", asked);
    vi.stubGlobal("OffscreenCanvas", Canvas);
    try {
      const png = (await encodePng(noise(2, 1, 3))) as Uint8Array<ArrayBuffer>;
      const files = [new File([png], "a.png"), new File([png], "b.png")];
      // What a browser sets for files of a chosen folder.
      files.forEach((file, i) => {
        Object.defineProperty(file, "webkitRelativePath", { value: `photos/${"xy"[i]}/${file.name}` });
      });
      const table = await readInCore(files, { size: "2x1", name: "photos" });
      expect(labels(table)).toEqual(["x", "y"]);
      expect([...imageFromRow(cpu, table, 1).data]).toEqual([1, 2, 3, 4, 5, 6]);
      expect(asked.mock.calls[0][0].type).toBe("image/png");
      expect(asked.mock.calls[0][1]).toEqual({ premultiplyAlpha: "none", colorSpaceConversion: "none" });
      expect(bitmap.close).toHaveBeenCalledTimes(2);
      asked.mockRejectedValueOnce(new DOMException("no"));
      expect(await refusal(readInCore(files))).toMatch(/photos\/x\/a\.png is cut short or damaged/);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test("without a decoder there is a word on where to find one, and one can be given", async () => {
    const png = await encodePng(noise(2, 2, 3));
    const files = ["a/1.png", "b/1.png"].map((name) => ({ name, data: png }));
    expect(await refusal(readInCore(files))).toMatch(/no decoder.*makeit-ai\/node/);
    const decode = vi.fn(async () => noise(2, 2, 3));
    const table = await readInCore(files, { size: "2x2", decode });
    expect(imageFromRow(cpu, table, 0)).toEqual(noise(2, 2, 3));
    expect(decode).toHaveBeenCalledWith(
      expect.any(Uint8Array),
      { format: "png", width: 2, height: 2 },
      "a/1.png",
    );
  });
});
