/** PNG files of pictures. The library that packs them is loaded with the first one. */
import type { Picture } from "../image.ts";

/** A picture as the bytes of a PNG file: the same bytes for the same picture everywhere. */
export async function encodePng({ width, height, data }: Picture): Promise<Uint8Array> {
  const { encode } = await import("fast-png");
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return encode({ width, height, data: bytes, channels: data.length / (width * height) });
}

/** Bytes of a PNG file as a `data:` address, for pages and SVG. */
export function pngAddress(png: Uint8Array): string {
  let text = "";
  for (const byte of png) text += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(text)}`;
}

/** The bytes of a `data:` address. */
export function pngBytes(address: string): Uint8Array {
  return Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
}
