/** Image files into pixels, by the platform's own decoder. */
import { inputError } from "../errors.ts";
import type { Picture } from "../image.ts";
import { broken, type ImageHeader } from "./header.ts";

/**
 * Decodes a file into RGB or RGBA pixels, alpha not premultiplied, colour profiles ignored, turned as its EXIF says.
 * @param file what stands for it in messages.
 */
export type Decoder = (bytes: Uint8Array, header: ImageHeader, file: string) => Promise<Picture>;

/** Browsers, and their workers. */
export const decodeInBrowser: Decoder = async (bytes, { format }, file) => {
  if (typeof createImageBitmap === "undefined" || typeof OffscreenCanvas === "undefined") {
    throw inputError(
      "There is no decoder of image files here.",
      'In Node read images with readImages of "makeit-ai/node"; elsewhere pass a decoder (option decode).',
    );
  }
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: `image/${format}` });
  const asStored = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;
  const bitmap = await createImageBitmap(blob, asStored).catch(() => {
    throw broken(file);
  });
  try {
    return pixelsOf(bitmap);
  } finally {
    bitmap.close();
  }
};

let gl: WebGLRenderingContext | null | undefined;

/** A texture keeps what a canvas of two dimensions, which premultiplies, would round away. */
function pixelsOf(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  gl ??= new OffscreenCanvas(1, 1).getContext("webgl");
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return pixelsOfCanvas(bitmap);
  const data = new Uint8Array(4 * width * height);
  const [texture, frame] = [gl.createTexture(), gl.createFramebuffer()];
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
  gl.deleteFramebuffer(frame);
  gl.deleteTexture(texture);
  if (gl.getError() === gl.NO_ERROR) return { width, height, data };
  gl = null; // the context is lost: from here on without it
  return pixelsOfCanvas(bitmap);
}

function pixelsOfCanvas(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}
