/** Images in all their forms: files, lists of files, arrays of pixels. */
import { gzipSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import sharp from "sharp";
import { crc32 } from "../sdk/checksum.ts";
import type { NamedFile } from "../sdk/images/files.ts";
import { readImages } from "../sdk/images/node.ts";
import { encodePng } from "../sdk/images/png.ts";
import { Random } from "../sdk/random.ts";
import { checkTable } from "./check.ts";
import { damage, oddNumber, oneIn, pick, WORDS } from "./mutate.ts";
import type { Reader } from "./readers.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function noise(length: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length }, () => random.integer(256));
}

/** Reads files as images, and looks at the table. */
async function useFiles(...files: NamedFile[]): Promise<void> {
  checkTable(await readImages(files, { size: "3x2", name: "odd" }));
}

// Pictures of every kind that is decoded.
const [WIDTH, HEIGHT] = [7, 5];
const raw = { raw: { width: WIDTH, height: HEIGHT, channels: 3 } } as const;
const pixels = noise(WIDTH * HEIGHT * 3, 1);
const GOOD = await encodePng({ width: WIDTH, height: HEIGHT, data: pixels });
const PICTURES: readonly Uint8Array[] = [
  GOOD,
  await encodePng({ width: 3, height: 3, data: noise(36, 2) }),
  await encodePng({ width: 4, height: 2, data: noise(8, 3) }),
  new Uint8Array(await sharp(pixels, raw).png({ palette: true }).toBuffer()),
  new Uint8Array(await sharp(pixels, raw).jpeg().toBuffer()),
  new Uint8Array(
    await sharp(pixels, raw).withMetadata({ orientation: 6 }).jpeg({ progressive: true }).toBuffer(),
  ),
  new Uint8Array(await sharp(pixels, raw).webp().toBuffer()),
  new Uint8Array(await sharp(pixels, raw).webp({ lossless: true }).toBuffer()),
];

/** One of two files of a folder. */
const picture: Reader = {
  name: "image",
  seeds: () => PICTURES,
  draw(random, seeds) {
    const seed = pick(random, seeds);
    if (seed[0] !== 0x89 || oneIn(random, 3)) return damage(seed, random, seeds);
    return damagePng(seed, random);
  },
  read: (bytes) => useFiles({ name: "a/odd.png", data: bytes }, { name: "b/good.png", data: GOOD }),
};

/** A chunk's content changed, and its checksum too: sizes, colour types, packed pixels that lie. */
function damagePng(seed: Uint8Array, random: Random): Uint8Array {
  const out = seed.slice();
  const view = new DataView(out.buffer);
  const chunks: number[] = [];
  for (let at = 8; at + 12 <= out.length; at += 12 + view.getUint32(at)) chunks.push(at);
  const at = pick(random, chunks);
  const length = view.getUint32(at);
  if (length >= 4 && oneIn(random, 2))
    view.setUint32(at + 8 + 4 * random.integer(length >> 2), oddNumber(random));
  else if (length > 0) out[at + 8 + random.integer(length)] = random.integer(256);
  view.setUint32(at + 8 + length, crc32(out.subarray(at + 4, at + 8 + length)));
  return out;
}

const LIST = 'path,label\na.png,x\nsub/b.png,y\na.png,"z"\n';

/** A longer one decodes the same images for seconds, and rightly so. */
const LONGEST_LIST = 2000;

/** A list of paths and labels beside two images. */
const list: Reader = {
  name: "list",
  seeds: () => [bytesOf(LIST)],
  draw(random, seeds) {
    const tokens = [",", "\n", "../", "/", "a.png", '"'];
    if (oneIn(random, 2)) return damage(seeds[0], random, seeds, tokens).slice(0, LONGEST_LIST);
    const path = () =>
      oneIn(random, 3) ? pick(random, WORDS) : pick(random, ["a.png", "./sub/../a.png", "sub/b.png"]);
    const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
    const rows = Array.from({ length: 1 + random.integer(6) }, () =>
      [path(), pick(random, WORDS)].map(quote),
    );
    return bytesOf(`file,class\n${rows.map((row) => `${row.join(",")}\n`).join("")}`);
  },
  read: (bytes) =>
    useFiles(
      { name: "odd.csv", data: bytes },
      { name: "a.png", data: GOOD },
      { name: "sub/b.png", data: PICTURES[1] },
    ),
};

/** An array as NumPy writes it; header and values may be anything. */
function npy(header: string, values: Uint8Array): Uint8Array {
  const head = bytesOf(header.padEnd(117));
  const out = new Uint8Array(10 + head.length + 1 + values.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (head.length + 1) & 255, (head.length + 1) >> 8]);
  out.set(head, 10);
  out[10 + head.length] = 10;
  out.set(values, 11 + head.length);
  return out;
}

const header = (type: string, shape: readonly (number | string)[]) =>
  `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;

interface Arrays {
  images: Uint8Array;
  labels: Uint8Array;
}

const ARRAYS: readonly Arrays[] = [
  {
    images: npy(header("|u1", [4, 3, 2, 3]), noise(72, 4)),
    labels: npy(header("<i8", [4]), new Uint8Array(32)),
  },
  {
    images: npy(header("<f4", [2, 3, 2]), new Uint8Array(48)),
    labels: npy(header("<U2", [2]), utf32("abc")),
  },
  {
    images: npy(header("|u1", [3, 1, 2, 2]), noise(12, 5)),
    labels: npy(header("|S1", [3, 1]), strToU8("aba")),
  },
];

function utf32(text: string): Uint8Array {
  return new Uint8Array(Uint32Array.from([...text, "\0"], (letter) => letter.codePointAt(0)!).buffer);
}

const TYPES = [
  "|u1",
  "<u8",
  ">i2",
  "<f8",
  ">f4",
  "|S3",
  "<U9",
  ">U1",
  "|O",
  "<U99999999",
  "<f2",
  "|b1",
  "<i-4",
  "|S0",
];

const npz: Reader = {
  name: "npz",
  seeds: () => ARRAYS.map((arrays) => zip(arrays, 6)),
  draw(random, seeds) {
    if (oneIn(random, 3)) return damage(pick(random, seeds), random, seeds);
    const arrays = { ...pick(random, ARRAYS) };
    const which = pick(random, ["images", "labels"] as const);
    const sizes = () =>
      Array.from({ length: random.integer(5) }, () =>
        pick(random, ["", "-1", "x", "0x2", "1e9", 2, 3, oddNumber(random)]),
      );
    arrays[which] = oneIn(random, 2)
      ? damage(arrays[which], random, seeds, ["'", "(", ")", ",", "<U", "True", "1e9"])
      : npy(header(pick(random, TYPES), sizes()), noise(random.integer(200), 6));
    return zip(arrays, random.integer(2) * 6);
  },
  read: (bytes) => useFiles({ name: "odd.npz", data: bytes }),
};

function zip({ images, labels }: Arrays, level: number): Uint8Array {
  return zipSync({ "images.npy": images, "labels.npy": labels }, { level: level as 0 | 6 });
}

function idxFile(shape: readonly number[], values: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + 4 * shape.length + values.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x800 + shape.length);
  shape.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size);
  });
  out.set(values, 4 + 4 * shape.length);
  return out;
}

/** Two files in one input: how long the first is, then both. */
function pair(images: Uint8Array, labels: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + images.length + labels.length);
  new DataView(out.buffer).setUint32(0, images.length);
  out.set(images, 4);
  out.set(labels, 4 + images.length);
  return out;
}

const IDX = [
  { images: idxFile([5, 3, 4], noise(60, 7)), labels: idxFile([5], Uint8Array.of(1, 0, 1, 0, 2)) },
  { images: idxFile([2, 2, 2, 3], noise(24, 8)), labels: idxFile([2], Uint8Array.of(1, 0)) },
];

const idx: Reader = {
  name: "idx",
  seeds: () =>
    IDX.flatMap(({ images, labels }) => [pair(images, labels), pair(gzipSync(images), gzipSync(labels))]),
  draw(random, seeds) {
    if (oneIn(random, 3)) return damage(pick(random, seeds), random, seeds);
    const { images, labels } = pick(random, IDX);
    const [a, b] = oneIn(random, 2)
      ? [damage(images, random, seeds), labels]
      : [images, damage(labels, random, seeds)];
    return oneIn(random, 2) ? pair(a, b) : pair(gzipSync(a), gzipSync(b));
  },
  async read(bytes) {
    if (bytes.length < 4) return;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    await useFiles(
      { name: "odd-images-idx3-ubyte", data: bytes.subarray(4, 4 + length) },
      { name: "odd-labels-idx1-ubyte", data: bytes.subarray(4 + length) },
    );
  },
};

const RECORD = 1 + 3 * 32 * 32;

const cifar: Reader = {
  name: "cifar",
  seeds: () => [
    Uint8Array.from(noise(3 * RECORD, 9), (byte, i) => (i % RECORD === 0 ? (i / RECORD) % 10 : byte)),
  ],
  draw(random, seeds) {
    const out = damage(seeds[0], random, seeds);
    return oneIn(random, 2) ? out.slice(0, out.length - (out.length % RECORD)) : out;
  },
  read: (bytes) =>
    useFiles({ name: "odd.bin", data: bytes }, { name: "batches.meta.txt", data: bytes.subarray(0, 40) }),
};

export const imageReaders: readonly Reader[] = [picture, list, npz, idx, cifar];
