// Images as rows of numbers and back. A pixel travels as four lanes: red, green, blue and alpha.
// Sums are of whole numbers, in f64 where an i32 cannot hold them: nothing is rounded before the last division.
import { across } from "./double";

// Pixel at p as (c · α, …, α) for red, green, blue; α is 255 where the image has none. Grey is red, green and blue alike.
// Reads four bytes, whatever the pixel has.
// @ts-ignore: decorator
@inline
function pixel(p: usize, channels: i32): v128 {
  if (channels == 1) return i32x4.mul(i32x4.splat(load<u8>(p)), i32x4(255, 255, 255, 0));
  const c = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p)));
  if (channels == 3) return i32x4.mul(c, i32x4(255, 255, 255, 0));
  return i32x4.mul(c, i32x4.replace_lane(i32x4.shuffle(c, c, 3, 3, 3, 3), 3, 1));
}

// Σ pixel over `count` pixels from p: at most 16384, so that an i32 holds it
// @ts-ignore: decorator
@inline
function pixels(p: usize, count: i32, channels: i32): v128 {
  let sum = i32x4.splat(0);
  for (const end = p + <usize>(count * channels); p < end; p += channels) {
    sum = i32x4.add(sum, pixel(p, channels));
  }
  return sum;
}

// row (planes · outWidth · outHeight) f32 = (v − mean) / sd of bytes (height, width, channels) u8, where v in [0, 1] is
// the mean of the area that an output pixel covers, its alpha composited on a background; one plane: its luma (BT.601).
// look: background, mean and sd, f64 (3) each; step and plane: the distances of pixels and of planes in row.
// Readable 3 bytes beyond the last pixel, writable 3 numbers beyond the row. At equal sizes v is byte / 255.
export function image_unfurl(
  bytes: usize, width: i32, height: i32, channels: i32, row: usize, outWidth: i32, outHeight: i32, planes: i32,
  step: i32, plane: i32, look: usize,
): void {
  const same = width == outWidth && height == outHeight;
  if (same && channels == 1 && planes == 1) copyGrey(bytes, width * height, row, look);
  else if (same && channels == 3 && planes == 3) copy(bytes, width * height, 3, row, step, plane, look);
  else if (same && channels == 4 && planes == 3) copy(bytes, width * height, 4, row, step, plane, look);
  // One loop for each kind of pixel, so that nothing is asked within.
  else if (channels == 4) resize(bytes, width, height, 4, row, outWidth, outHeight, planes, step, plane, look);
  else if (channels == 3) resize(bytes, width, height, 3, row, outWidth, outHeight, planes, step, plane, look);
  else resize(bytes, width, height, 1, row, outWidth, outHeight, planes, step, plane, look);
}

// The f64 (3) at p as f32 lanes, the fourth is 1.
// @ts-ignore: decorator
@inline
function lanes(p: usize): v128 {
  return f32x4(<f32>load<f64>(p), <f32>load<f64>(p, 8), <f32>load<f64>(p, 16), 1);
}

// Four bytes at p as four f32
// @ts-ignore: decorator
@inline
function four(p: usize): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p))));
}

// Equal sizes, one channel: four pixels at a time
function copyGrey(bytes: usize, pixels: i32, row: usize, look: usize): void {
  const mean = f32x4.splat(<f32>load<f64>(look, 24)), sd = f32x4.splat(<f32>load<f64>(look, 48));
  for (let i = 0; i < pixels; i += 4) {
    const v = f32x4.div(four(bytes + i), f32x4.splat(255));
    v128.store(row + (<usize>i << 2), f32x4.div(f32x4.sub(v, mean), sd));
  }
}

// Equal sizes: a pixel at a time
// @ts-ignore: decorator
@inline
function copy(bytes: usize, pixels: i32, channels: i32, row: usize, step: i32, plane: i32, look: usize): void {
  const background = lanes(look), mean = lanes(look + 24), sd = lanes(look + 48);
  const apart = <usize>plane << 2, ahead = <usize>step << 2, opaque = f32x4.splat(255);
  for (let i = 0; i < pixels; i++, bytes += channels, row += ahead) {
    let v = four(bytes);
    if (channels == 4) {
      const alpha = f32x4.splat(f32x4.extract_lane(v, 3));
      const sum = f32x4.add(f32x4.mul(v, alpha), f32x4.mul(background, f32x4.sub(opaque, alpha)));
      v = f32x4.div(sum, f32x4.splat(65025));
    } else {
      v = f32x4.div(v, opaque);
    }
    v = f32x4.div(f32x4.sub(v, mean), sd);
    v128.store32_lane(row, v, 0);
    v128.store32_lane(row + apart, v, 1);
    v128.store32_lane(row + 2 * apart, v, 2);
  }
}

// @ts-ignore: decorator
@inline
function resize(
  bytes: usize, width: i32, height: i32, channels: i32, row: usize, outWidth: i32, outHeight: i32, planes: i32,
  step: i32, plane: i32, look: usize,
): void {
  const background = v128.load(look), backgroundBlue = f64.load(look, 16);
  const mean = v128.load(look, 24), meanBlue = f64.load(look, 40);
  const sd = v128.load(look, 48), sdBlue = f64.load(look, 64);
  // An output pixel is width · height units large, a source pixel outWidth · outHeight.
  const weight = <f64>width * <f64>height, full = 255 * weight, scale = 255 * full;
  for (let y = 0; y < outHeight; y++) {
    const top = (y * height) / outHeight, bottom = ((y + 1) * height - 1) / outHeight;
    for (let x = 0; x < outWidth; x++) {
      const start = x * width, end = start + width;
      const left = start / outWidth, right = (end - 1) / outWidth;
      const head = <f64>(min((left + 1) * outWidth, end) - start), tail = <f64>(end - right * outWidth);
      let rg = f64x2.splat(0), ba = f64x2.splat(0);
      for (let v = top; v <= bottom; v++) {
        const tall = <f64>(min((v + 1) * outHeight, (y + 1) * height) - max(v * outHeight, y * height));
        const from = bytes + <usize>((v * width + left) * channels);
        let w = f64x2.splat(head * tall), c = pixel(from, channels);
        rg = f64x2.add(rg, f64x2.mul(w, f64x2.convert_low_i32x4_s(c)));
        ba = f64x2.add(ba, f64x2.mul(w, f64x2.convert_low_i32x4_s(i32x4.shuffle(c, c, 2, 3, 2, 3))));
        if (right == left) continue;
        w = f64x2.splat(tail * tall);
        c = pixel(from + <usize>((right - left) * channels), channels);
        rg = f64x2.add(rg, f64x2.mul(w, f64x2.convert_low_i32x4_s(c)));
        ba = f64x2.add(ba, f64x2.mul(w, f64x2.convert_low_i32x4_s(i32x4.shuffle(c, c, 2, 3, 2, 3))));
        if (right == left + 1) continue;
        w = f64x2.splat(<f64>outWidth * tall);
        c = pixels(from + channels, right - left - 1, channels);
        rg = f64x2.add(rg, f64x2.mul(w, f64x2.convert_low_i32x4_s(c)));
        ba = f64x2.add(ba, f64x2.mul(w, f64x2.convert_low_i32x4_s(i32x4.shuffle(c, c, 2, 3, 2, 3))));
      }
      let blue = f64x2.extract_lane(ba, 0);
      if (channels == 4) {
        const clear = full - f64x2.extract_lane(ba, 1);
        rg = f64x2.add(rg, f64x2.mul(background, f64x2.splat(clear)));
        blue += backgroundBlue * clear;
      }
      rg = f64x2.div(rg, f64x2.splat(scale));
      blue /= scale;
      const to = row + (<usize>((y * outWidth + x) * step) << 2);
      if (planes == 1) {
        const luma = across(f64x2.mul(rg, f64x2(0.299, 0.587))) + 0.114 * blue;
        f32.store(to, <f32>((luma - f64x2.extract_lane(mean, 0)) / f64x2.extract_lane(sd, 0)));
        continue;
      }
      const apart = <usize>plane << 2, pair = f32x4.demote_f64x2_zero(f64x2.div(f64x2.sub(rg, mean), sd));
      v128.store32_lane(to, pair, 0);
      v128.store32_lane(to + apart, pair, 1);
      f32.store(to + 2 * apart, <f32>((blue - meanBlue) / sdBlue));
    }
  }
}

// bytes (pixels, planes) u8 = 255 · (row · sd + mean), held within 0 … 255 and rounded; what is no number becomes 0.
// Readable 3 numbers beyond the row, writable 3 bytes beyond the last pixel.
export function image_refurl(
  row: usize, bytes: usize, pixels: i32, planes: i32, step: i32, plane: i32, look: usize,
): void {
  if (planes == 1) {
    const mean = f32x4.splat(<f32>load<f64>(look, 24)), sd = f32x4.splat(<f32>load<f64>(look, 48));
    for (let i = 0; i < pixels; i += 4) levels(v128.load(row + (<usize>i << 2)), mean, sd, bytes + i);
    return;
  }
  const mean = lanes(look + 24), sd = lanes(look + 48);
  const apart = <usize>plane << 2, ahead = <usize>step << 2;
  if (plane == 1) {
    for (let i = 0; i < pixels; i++, row += ahead, bytes += 3) levels(v128.load(row), mean, sd, bytes);
    return;
  }
  for (let i = 0; i < pixels; i++, row += ahead, bytes += 3) {
    let v = v128.load32_zero(row);
    v = v128.load32_lane(row + apart, v, 1);
    v = v128.load32_lane(row + 2 * apart, v, 2);
    levels(v, mean, sd, bytes);
  }
}

// Four bytes at p ← four numbers; the lesser operand comes first, so that what is no number gives way to 0
// @ts-ignore: decorator
@inline
function levels(row: v128, mean: v128, sd: v128, p: usize): void {
  const v = f32x4.pmax(f32x4.splat(0), f32x4.add(f32x4.mul(row, sd), mean));
  const level = f32x4.mul(f32x4.min(v, f32x4.splat(1)), f32x4.splat(255));
  // From 2²³ on an f32 has no fraction: the sum is rounded, and its last bits are the level.
  const words = v128.and(f32x4.add(level, f32x4.splat(8388608)), i32x4.splat(255));
  const halves = i16x8.narrow_i32x4_u(words, words);
  v128.store32_lane(p, i8x16.narrow_i16x8_u(halves, halves), 0);
}
