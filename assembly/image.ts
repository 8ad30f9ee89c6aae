// Images as rows of numbers and back. A pixel travels as four lanes: red, green, blue, alpha.

// Pixel at p as four floats 0 … 255; of three channels the fourth lane is whatever follows.
// @ts-ignore: decorator
@inline
function pixel(p: usize): v128 {
  const words = i16x8.extend_low_i8x16_u(v128.load32_zero(p));
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(words));
}

// c ← (c · α + background · (255 − α)) / 255: exactly c where α = 255
// @ts-ignore: decorator
@inline
function over(c: v128, background: v128): v128 {
  const alpha = i32x4.shuffle(c, c, 3, 3, 3, 3), opaque = f32x4.splat(255);
  const sum = f32x4.add(f32x4.mul(c, alpha), f32x4.mul(background, f32x4.sub(opaque, alpha)));
  return f32x4.div(sum, opaque);
}

// Cell `to` of `toSize` and cell `from` of `fromSize`, both over one length: the share of the first that the second covers.
// @ts-ignore: decorator
@inline
function share(to: i32, toSize: i32, from: i32, fromSize: i32): f32 {
  const overlap = min((to + 1) * fromSize, (from + 1) * toSize) - max(to * fromSize, from * toSize);
  return <f32>overlap / <f32>fromSize;
}

// row (3 · outWidth · outHeight) f32 in [0, 1] = bytes (height, width, channels) u8, alpha composited on a background,
// each output pixel the mean of the area it covers; step and plane are the distances of pixels and of channels in row.
// Readable 1 byte beyond the last pixel. At equal sizes every value is byte / 255.
export function image_unfurl(
  bytes: usize, width: i32, height: i32, channels: i32, row: usize, outWidth: i32, outHeight: i32,
  step: i32, plane: i32, red: f32, green: f32, blue: f32,
): void {
  const background = f32x4(red, green, blue, 0);
  for (let y = 0; y < outHeight; y++) {
    const top = (y * height) / outHeight, bottom = ((y + 1) * height - 1) / outHeight;
    for (let x = 0; x < outWidth; x++) {
      const left = (x * width) / outWidth, right = ((x + 1) * width - 1) / outWidth;
      let sum = f32x4.splat(0);
      for (let v = top; v <= bottom; v++) {
        const tall = share(y, outHeight, v, height);
        for (let u = left; u <= right; u++) {
          let c = pixel(bytes + <usize>((v * width + u) * channels));
          if (channels == 4) c = over(c, background);
          sum = f32x4.add(sum, f32x4.mul(c, f32x4.splat(tall * share(x, outWidth, u, width))));
        }
      }
      sum = f32x4.div(sum, f32x4.splat(255));
      const to = row + ((<usize>((y * outWidth + x) * step)) << 2), apart = (<usize>plane) << 2;
      v128.store32_lane(to, sum, 0);
      v128.store32_lane(to + apart, sum, 1);
      v128.store32_lane(to + 2 * apart, sum, 2);
    }
  }
}

// bytes (pixels, 3) u8 = row held within [0, 1], times 255, rounded; what is not a number becomes 0
export function image_refurl(row: usize, bytes: usize, pixels: i32, step: i32, plane: i32): void {
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      const value = load<f32>(row + ((<usize>(i * step + c * plane)) << 2));
      const level = value > 0 ? min<f32>(value, 1) * 255 : 0;
      store<u8>(bytes + <usize>(3 * i + c), <u8>nearest(level));
    }
  }
}
