/** What an image file says of itself before it is decoded: enough to refuse what must not be decoded. */
import { inputError } from "../errors.ts";

export interface ImageHeader {
  readonly format: "png" | "jpeg" | "webp";
  readonly width: number;
  readonly height: number;
}

/** What there is of an image before anything is refused. */
interface Found extends ImageHeader {
  readonly animated?: boolean;
  readonly cmyk?: boolean;
}

/** Formats that are known by their first bytes and not read. */
const OTHERS: readonly (readonly [start: RegExp, name: string])[] = [
  [/^GIF8/, "GIF"],
  [/^BM/, "BMP"],
  [/^(?:II\*\0|MM\0\*)/, "TIFF"],
  [/^.{4}ftyp/s, "AVIF or HEIC"],
  [/^\s*(?:<\?xml|<svg|<!DOCTYPE svg)/i, "SVG"],
  [/^8BPS/, "Photoshop"],
];

/**
 * The format and size of a PNG, JPEG or WebP file.
 * @param file what stands for it in messages.
 * @throws MakeitError (input) for other formats, animations, CMYK, and files that end before they say their size.
 */
export function readHeader(bytes: Uint8Array, file: string): ImageHeader {
  const { format, width, height, animated, cmyk } = find(bytes, file);
  if (animated) {
    throw inputError(`${file} is an animation.`, "Save one of its frames as an image.");
  }
  if (cmyk) {
    throw inputError(
      `${file} has the colours of print (CMYK), which every decoder shows differently.`,
      "Convert it to RGB.",
    );
  }
  if (!(width >= 1 && height >= 1)) throw broken(file);
  return { format, width, height };
}

function find(bytes: Uint8Array, file: string): Found {
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  const found = start.startsWith("\x89PNG\r\n\x1a\n")
    ? png(bytes)
    : start.startsWith("\xff\xd8\xff")
      ? jpeg(bytes)
      : /^RIFF.{4}WEBP/s.test(start)
        ? webp(bytes)
        : undefined;
  if (found) return found;
  if (/^(?:\x89PNG|\xff\xd8|RIFF.{4}WEBP)/s.test(start)) throw broken(file);
  const other = OTHERS.find(([pattern]) => pattern.test(start));
  if (other)
    throw inputError(`${file} is in the format ${other[1]}; PNG, JPEG and WebP are read.`, "Save it as PNG.");
  throw inputError(
    bytes.length === 0 ? `${file} is empty.` : `${file} is not an image; PNG, JPEG and WebP are read.`,
    "Replace it, or leave it out.",
  );
}

/** The error for a file that is cut short or damaged. */
export function broken(file: string): Error {
  return inputError(`${file} is cut short or damaged.`, "Save or fetch it again, or leave it out.");
}

const textAt = (bytes: Uint8Array, at: number, length: number) =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** Chunks: length, name, data, checksum. The first one says the size; `acTL`, before the pixels, that there are frames. */
function png(bytes: Uint8Array): Found | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 33 || textAt(bytes, 12, 4) !== "IHDR") return undefined;
  let animated = false;
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const name = textAt(bytes, at + 4, 4);
    if (name === "acTL") animated = true;
    if (name === "IDAT") break;
  }
  return { format: "png", width: view.getUint32(16), height: view.getUint32(20), animated };
}

/** Segments: marker, length, data, up to the one that starts a frame; four components are CMYK. */
function jpeg(bytes: Uint8Array): Found | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 2;
  while (at + 10 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff)
      at++; // padding
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      return { format: "jpeg", width, height, cmyk: bytes[at + 9] === 4 };
    } else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** One chunk of lossy or lossless pixels, or a chunk of features before them. */
function webp(bytes: Uint8Array): Found | undefined {
  if (bytes.length < 30) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kind = textAt(bytes, 12, 4);
  if (kind === "VP8 ") {
    return {
      format: "webp",
      width: view.getUint16(26, true) & 0x3fff,
      height: view.getUint16(28, true) & 0x3fff,
    };
  }
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return { format: "webp", width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (kind !== "VP8X") return undefined;
  const uint24 = (from: number) => view.getUint16(from, true) + 65536 * bytes[from + 2];
  return { format: "webp", width: uint24(24) + 1, height: uint24(27) + 1, animated: (bytes[20] & 2) !== 0 };
}
