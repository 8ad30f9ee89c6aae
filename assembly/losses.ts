// Losses: their value, and their gradient times `scale`. Sums are kept in f64.
import { exp, loadPart, log1p, storePart } from "./simd";

// The four lanes of `v` on top of the two of `sum`.
// @ts-ignore: decorator
@inline
function accumulate(sum: v128, v: v128): v128 {
  const high = i32x4.shuffle(v, v, 2, 3, 2, 3);
  return f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(high)));
}

// @ts-ignore: decorator
@inline
function mean(sum: v128, length: i32): f32 {
  return <f32>((f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)) / <f64>length);
}

// loss = Σ (y − target)² / length; dy = scale · 2 (y − target) / length
export function mse_grad(y: usize, target: usize, dy: usize, loss: usize, length: i32, scale: f32): void {
  const factor = f32x4.splat((2 * scale) / <f32>length);
  let sum = f64x2.splat(0);
  let left = length;
  for (; left >= 4; left -= 4, y += 16, target += 16, dy += 16) {
    const d = f32x4.sub(v128.load(y), v128.load(target));
    sum = accumulate(sum, f32x4.mul(d, d));
    v128.store(dy, f32x4.mul(d, factor));
  }
  if (left > 0) {
    const d = f32x4.sub(loadPart(y, left), loadPart(target, left));
    sum = accumulate(sum, f32x4.mul(d, d));
    storePart(dy, f32x4.mul(d, factor), left);
  }
  f32.store(loss, mean(sum, length));
}

// e^−|z|, held above e⁻⁴⁰: less changes nothing, and its square would be subnormal, which is slow.
// @ts-ignore: decorator
@inline
function decay(z: v128): v128 {
  return exp(f32x4.pmax(f32x4.neg(f32x4.abs(z)), f32x4.splat(-40)));
}

// σ(z) and the loss share e = e^−|z|: σ(z) = 1 / (1 + e) for z ≥ 0, e / (1 + e) for z < 0
// @ts-ignore: decorator
@inline
function logistic(z: v128, e: v128): v128 {
  const one = f32x4.splat(1);
  const numerator = v128.bitselect(e, one, f32x4.lt(z, f32x4.splat(0)));
  return f32x4.div(numerator, f32x4.add(one, e));
}

// @ts-ignore: decorator
@inline
function crossEntropy(z: v128, target: v128, e: v128): v128 {
  const hinge = f32x4.sub(f32x4.pmax(z, f32x4.splat(0)), f32x4.mul(z, target));
  return f32x4.add(hinge, log1p(e));
}

// on logits z: loss = Σ (max(z, 0) − z · target + log(1 + e^−|z|)) / length; dz = scale · (σ(z) − target) / length
export function bce_grad(z: usize, target: usize, dz: usize, loss: usize, length: i32, scale: f32): void {
  const factor = f32x4.splat(scale / <f32>length);
  let sum = f64x2.splat(0);
  let left = length;
  for (; left >= 4; left -= 4, z += 16, target += 16, dz += 16) {
    const a = v128.load(z), y = v128.load(target);
    const e = decay(a);
    sum = accumulate(sum, crossEntropy(a, y, e));
    v128.store(dz, f32x4.mul(f32x4.sub(logistic(a, e), y), factor));
  }
  if (left > 0) {
    const a = loadPart(z, left), y = loadPart(target, left);
    const e = decay(a);
    // the lanes beyond the end hold z = target = 0, whose loss is log 2: they are taken out again
    const l = crossEntropy(a, y, e);
    const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left));
    sum = accumulate(sum, v128.and(l, inside));
    storePart(dz, f32x4.mul(f32x4.sub(logistic(a, e), y), factor), left);
  }
  f32.store(loss, mean(sum, length));
}
