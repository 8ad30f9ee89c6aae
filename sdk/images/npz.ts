/** NumPy's .npz: a zip file of arrays, one of images and one of labels. */
import { inputError } from "../errors.ts";
import type { Picture } from "../image.ts";
import { checkUnpacked } from "../table/limits.ts";
import { type ImageSet, itemsOf } from "./set.ts";

/** More bytes than this do not become a table. */
const MOST = 2 ** 31;
/** Bytes of a label. */
const LONGEST_LABEL = 4096;
/** Of a file's entry in the list of a zip file. */
const ENTRY = 46;

interface NumpyArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** Kind and bytes of an element, such as `u1`, `<f4`, `<U5`. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** The array of three or four dimensions with the one of as many labels; of several, those named after training. */
export async function readNpz(bytes: Uint8Array, name: string): Promise<ImageSet> {
  const arrays = await unpack(bytes, name);
  const images = choose(
    arrays.filter(({ shape }) => shape.length === 3 || shape.length === 4),
    `${name}: no array of images (count × height × width, or with channels) among ${list(arrays)}.`,
  );
  const count = images.shape[0];
  const labels = choose(
    arrays.filter((array) => array !== images && array.shape[0] === count && isList(array.shape)),
    `${name}: no array of ${count} labels beside the images "${images.name}" among ${list(arrays)}.`,
  );
  const left = arrays.filter((array) => array !== images && array !== labels);
  const { grey, picture } = picturesOf(images, name);
  const label = labelsOf(labels, name);
  return {
    count,
    grey,
    warnings: left.length > 0 ? [`${name}: ${list(left)} ${left.length > 1 ? "were" : "was"} not read.`] : [],
    items: itemsOf(count, (i) => ({
      name: `${name}, image ${i + 1}`,
      label: label(i),
      picture: () => picture(i),
    })),
  };
}

const list = (arrays: readonly NumpyArray[]) =>
  arrays.length === 0
    ? "none"
    : arrays.map(({ name, shape, type }) => `${name} (${shape.join(" × ")}, ${type})`).join(", ");

const isList = (shape: readonly number[]) => shape.length === 1 || (shape.length === 2 && shape[1] === 1);

function choose(arrays: readonly NumpyArray[], otherwise: string): NumpyArray {
  const trained = arrays.filter(({ name }) => /train/i.test(name));
  const [only, ...more] = arrays.length > 1 && trained.length > 0 ? trained : arrays;
  if (only && more.length === 0) return only;
  const which = only ? otherwise.replace(": no array", ": more than one array") : otherwise;
  throw inputError(which, "Save two arrays: numpy.savez(file, images=…, labels=…).");
}

async function unpack(bytes: Uint8Array, name: string): Promise<NumpyArray[]> {
  const { unzipSync } = await import("fflate");
  let [count, total] = [0, 0];
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter: ({ name: file, originalSize }) => {
        total += originalSize;
        // Room is made for the sizes that the file says, and the list of files goes on as long as it says.
        if (++count > bytes.length / ENTRY) throw new Error("it lists more files than it can hold");
        checkUnpacked(total, bytes.length, name);
        if (total > MOST) {
          throw inputError(
            `${name} unpacks to more than ${MOST / 2 ** 30} GiB.`,
            "Give fewer or smaller images.",
          );
        }
        return file.endsWith(".npy");
      },
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === "input") throw error;
    throw inputError(
      `${name} is not a whole .npz file (${(error as Error).message}).`,
      "Save or fetch it again.",
    );
  }
  return Object.entries(files).map(([file, content]) => readNpy(content, file.replace(/\.npy$/, ""), name));
}

/** Magic, version, length of a Python dictionary, the dictionary, the values. */
function readNpy(bytes: Uint8Array, name: string, file: string): NumpyArray {
  const broken = (why: string) =>
    inputError(
      `${file}: array "${name}" cannot be read: ${why}.`,
      "Save it as numpy.savez(file, images=…, labels=…).",
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 6)) !== "\x93NUMPY") {
    throw broken("it is no .npy file");
  }
  const long = bytes[6] > 1;
  const start = (long ? 12 : 10) + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(bytes.subarray(long ? 12 : 10, Math.min(start, bytes.length)));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1].replace(/^[|=]/, "");
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (type === undefined || sizes === undefined) throw broken("its type or shape is not a simple one");
  if (/'fortran_order':\s*True/.test(header))
    throw broken("it is in Fortran's order; save a copy made by ascontiguousarray");
  const shape = sizes.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  const length = shape.reduce((product, size) => product * size, 1) * bytesOf(type);
  if (!shape.every((size) => Number.isSafeInteger(size) && size > 0)) throw broken("it is empty");
  if (!(length > 0 && length <= bytes.length - start)) throw broken("it is cut short, or holds objects");
  return { name, shape, type, bytes: bytes.subarray(start, start + length) };
}

/** Bytes of an element; NaN for what is no plain value. */
function bytesOf(type: string): number {
  const [, kind, size] = /^[<>]?([biufUS])(\d+)$/.exec(type) ?? [];
  return kind === "U" ? 4 * Number(size) : Number(size);
}

/** Channels last, or first; bytes as they are, fractions of 1 as bytes. */
function picturesOf({ name, shape, type, bytes }: NumpyArray, file: string) {
  const isChannels = (size: number) => size === 1 || size === 3 || size === 4;
  const first = shape.length === 4 && !isChannels(shape[3]);
  const [, a, b, c = 1] = shape;
  const [channels, height, width] = first ? [a, b, c] : [c, a, b];
  if (!isChannels(channels)) {
    throw inputError(`${file}: array "${name}" is ${shape.join(" × ")}; 1, 3 or 4 channels were expected.`);
  }
  const size = width * height * channels;
  const levels = levelsOf(type, bytes, `${file}: array "${name}"`);
  const picture = (i: number): Picture => {
    const data = levels(i * size, size);
    return { width, height, data: first ? channelsLast(data, channels) : data };
  };
  return { grey: channels === 1, picture };
}

function channelsLast(planes: Uint8Array, channels: number): Uint8Array {
  const plane = planes.length / channels;
  const data = new Uint8Array(planes.length);
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < channels; c++) data[channels * i + c] = planes[c * plane + i];
  return data;
}

/** Elements from `at` on as bytes. */
function levelsOf(
  type: string,
  bytes: Uint8Array,
  where: string,
): (at: number, length: number) => Uint8Array {
  if (type === "u1") return (at, length) => bytes.subarray(at, at + length);
  if (!/^[<>]f[48]$/.test(type)) {
    throw inputError(
      `${where} is of type ${type}; images are bytes (uint8) or fractions (float32).`,
      "Convert it.",
    );
  }
  const values = numbers(type, bytes)!;
  return (at, length) =>
    Uint8Array.from({ length }, (_, i) => {
      const value = values(at + i);
      if (value >= 0 && value <= 1) return Math.round(255 * value);
      throw inputError(
        `${where} holds ${value}; fractions from 0 to 1 were expected.`,
        "Scale it, or save bytes (uint8).",
      );
    });
}

/** Element i as a number; nothing for other types. */
function numbers(type: string, bytes: Uint8Array): ((i: number) => number) | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = !type.startsWith(">");
  const readers: Record<string, (i: number) => number> = {
    b1: (i) => bytes[i],
    u1: (i) => bytes[i],
    i1: (i) => view.getInt8(i),
    u2: (i) => view.getUint16(2 * i, little),
    i2: (i) => view.getInt16(2 * i, little),
    u4: (i) => view.getUint32(4 * i, little),
    i4: (i) => view.getInt32(4 * i, little),
    u8: (i) => Number(view.getBigUint64(8 * i, little)),
    i8: (i) => Number(view.getBigInt64(8 * i, little)),
    f4: (i) => view.getFloat32(4 * i, little),
    f8: (i) => view.getFloat64(8 * i, little),
  };
  const name = type.replace(/^[<>]/, "");
  return Object.hasOwn(readers, name) ? readers[name] : undefined;
}

function labelsOf({ name, type, bytes }: NumpyArray, file: string): (i: number) => string {
  const size = bytesOf(type);
  const value = numbers(type, bytes);
  if (size > LONGEST_LABEL || !(value || /[US]\d/.test(type))) {
    throw inputError(
      `${file}: array "${name}" is of type ${type}; labels are whole numbers or text.`,
      "Convert it.",
    );
  }
  if (!value) {
    const utf32 = numbers(type.startsWith(">") ? ">u4" : "<u4", bytes)!;
    const letters = type.includes("U")
      ? (i: number) => Array.from({ length: size / 4 }, (_, k) => utf32((i * size) / 4 + k))
      : (i: number) => [...bytes.subarray(i * size, (i + 1) * size)];
    const isLetter = (code: number) => code < 0xd800 || (code > 0xdfff && code <= 0x10ffff);
    return (i) => {
      const codes = letters(i).map((code) => (isLetter(code) ? code : 0xfffd));
      const label = String.fromCodePoint(...codes).replace(/\0+$/, "");
      if (label !== "") return label;
      throw inputError(`${file}: label ${i + 1} of "${name}" is empty.`, "Give every image a class.");
    };
  }
  return (i) => {
    if (Number.isInteger(value(i))) return String(value(i));
    throw inputError(
      `${file}: label ${i + 1} of "${name}" is ${value(i)}; a whole number or text was expected.`,
    );
  };
}
