// Optimizers. A clock is [t, β₁ᵗ, β₂ᵗ, learning rate].
import { loadPart, storePart } from "./simd";

// clock ← [t + 1, β₁ᵗ · β₁, β₂ᵗ · β₂, learning rate]
export function tick(clock: usize, beta1: f32, beta2: f32): void {
  f32.store(clock, f32.load(clock) + 1);
  f32.store(clock, f32.load(clock, 4) * beta1, 4);
  f32.store(clock, f32.load(clock, 8) * beta2, 8);
}

// @ts-ignore: decorator
@inline
function blend(old: v128, keep: f32, fresh: v128): v128 {
  return f32x4.add(f32x4.mul(old, f32x4.splat(keep)), f32x4.mul(fresh, f32x4.splat(1 - keep)));
}

// Adam (Kingma & Ba 2015) as PyTorch has it: m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²;
// w ← w − lr · (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε)
export function adam(
  clock: usize, g: usize, m: usize, v: usize, w: usize, length: i32, beta1: f32, beta2: f32, epsilon: f32,
): void {
  const rate = f32x4.splat(f32.load(clock, 12) / (1 - f32.load(clock, 4)));
  const unbias = f32x4.splat(1 / (1 - f32.load(clock, 8)));
  const eps = f32x4.splat(epsilon);
  for (; length >= 4; length -= 4, g += 16, m += 16, v += 16, w += 16) {
    const g4 = v128.load(g);
    const m4 = blend(v128.load(m), beta1, g4);
    const v4 = blend(v128.load(v), beta2, f32x4.mul(g4, g4));
    v128.store(m, m4);
    v128.store(v, v4);
    v128.store(w, adamStep(v128.load(w), m4, v4, rate, unbias, eps));
  }
  if (length > 0) {
    const g4 = loadPart(g, length);
    const m4 = blend(loadPart(m, length), beta1, g4);
    const v4 = blend(loadPart(v, length), beta2, f32x4.mul(g4, g4));
    storePart(m, m4, length);
    storePart(v, v4, length);
    storePart(w, adamStep(loadPart(w, length), m4, v4, rate, unbias, eps), length);
  }
}

// @ts-ignore: decorator
@inline
function adamStep(w: v128, m: v128, v: v128, rate: v128, unbias: v128, epsilon: v128): v128 {
  const scale = f32x4.add(f32x4.sqrt(f32x4.mul(v, unbias)), epsilon);
  return f32x4.sub(w, f32x4.div(f32x4.mul(m, rate), scale));
}

// RMSprop as PyTorch has it: v ← αv + (1−α)g²; w ← w − lr · g / (√v + ε)
export function rmsprop(clock: usize, g: usize, v: usize, w: usize, length: i32, alpha: f32, epsilon: f32): void {
  const rate = f32x4.splat(f32.load(clock, 12));
  const eps = f32x4.splat(epsilon);
  for (; length >= 4; length -= 4, g += 16, v += 16, w += 16) {
    const g4 = v128.load(g);
    const v4 = blend(v128.load(v), alpha, f32x4.mul(g4, g4));
    v128.store(v, v4);
    v128.store(w, rmspropStep(v128.load(w), g4, v4, rate, eps));
  }
  if (length > 0) {
    const g4 = loadPart(g, length);
    const v4 = blend(loadPart(v, length), alpha, f32x4.mul(g4, g4));
    storePart(v, v4, length);
    storePart(w, rmspropStep(loadPart(w, length), g4, v4, rate, eps), length);
  }
}

// @ts-ignore: decorator
@inline
function rmspropStep(w: v128, g: v128, v: v128, rate: v128, epsilon: v128): v128 {
  return f32x4.sub(w, f32x4.div(f32x4.mul(g, rate), f32x4.add(f32x4.sqrt(v), epsilon)));
}
