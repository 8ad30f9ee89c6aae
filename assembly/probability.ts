// Probabilities of a fitted logistic regression.
import { cleanF32 } from "./clean";
import { exp } from "./double";

// p f64 (points, classes) from x f32 (points, features) and coefficients (outputs, features + 1), intercepts last
export function logistic_predict(
  x: usize, coefficients: usize, points: i32, features: i32, classes: i32, p: usize,
): void {
  const heads = classes == 2 ? 1 : classes;
  for (let i = 0; i < points; i++) {
    const row = x + ((<usize>i * features) << 2);
    const out = p + ((<usize>i * classes) << 3);
    for (let k = 0; k < heads; k++) {
      const from = coefficients + ((<usize>k * (features + 1)) << 3);
      let z = f64.load(from + (<usize>features << 3));
      for (let j = 0; j < features; j++) {
        z += f64.load(from + (<usize>j << 3)) * <f64>cleanF32(f32.load(row + (<usize>j << 2)));
      }
      f64.store(out + (<usize>k << 3), z);
    }
    if (heads == 1) probabilityPair(out);
    else probabilities(out, classes);
  }
}

/** The logit at `out` ← P(0), P(1). */
@inline
function probabilityPair(out: usize): void {
  const z = f64.load(out);
  const e = expOf(-abs(z));
  const larger = 1 / (1 + e);
  const smaller = e / (1 + e);
  f64.store(out, z >= 0 ? smaller : larger);
  f64.store(out, z >= 0 ? larger : smaller, 8);
}

/** The logits at `out` ← their softmax. */
function probabilities(out: usize, classes: i32): void {
  let highest = f64.load(out);
  for (let k = 1; k < classes; k++) highest = max(highest, f64.load(out + (<usize>k << 3)));
  let total: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const at = out + (<usize>k << 3);
    const e = expOf(f64.load(at) - highest);
    f64.store(at, e);
    total += e;
  }
  for (let k = 0; k < classes; k++) {
    const at = out + (<usize>k << 3);
    f64.store(at, f64.load(at) / total);
  }
}

function expOf(x: f64): f64 {
  return f64x2.extract_lane(exp(f64x2.splat(x)), 0);
}
