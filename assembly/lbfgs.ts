// L-BFGS (Nocedal 1980): the step −H⁻¹ g from the last few changes of the point and of its gradient. H starts as
// a diagonal, given by its inverse.
import { axpy, dot } from "./double";

/** Changes that are kept. */
export const PAIRS = 10;

/** Bytes of the kept changes of n values. */
export function pairsBytes(n: i32): usize {
  return (<usize>n << 3) * 2 * PAIRS + PAIRS * 16;
}

@inline
function pair(pairs: usize, n: i32, i: i32): usize {
  return pairs + (<usize>n << 4) * <usize>(i % PAIRS);
}

/** Two scalars a pair: the recursion's alpha, then 1 / sᵀy. */
@inline
function scalar(pairs: usize, n: i32, i: i32): usize {
  return pairs + (<usize>n << 4) * PAIRS + (<usize>(i % PAIRS) << 4);
}

/** Keeps s = w − before and y = g − gradient before as pair number `stored`; returns how many there are now. */
export function remember(
  pairs: usize, stored: i32, n: i32, w: usize, before: usize, g: usize, gradientBefore: usize,
): i32 {
  const s = pair(pairs, n, stored);
  const y = s + (<usize>n << 3);
  for (let i: usize = 0, bytes = <usize>n << 3; i < bytes; i += 8) {
    f64.store(s + i, f64.load(w + i) - f64.load(before + i));
    f64.store(y + i, f64.load(g + i) - f64.load(gradientBefore + i));
  }
  const curvature = dot(s, y, n);
  if (!(curvature > 0)) return stored;
  f64.store(scalar(pairs, n, stored), 1 / curvature, 8);
  return stored + 1;
}

// step (n) = −H⁻¹ g by the two-loop recursion; `inverse` (n) is the diagonal that H⁻¹ starts from
export function direction(g: usize, inverse: usize, pairs: usize, stored: i32, n: i32, step: usize): void {
  const bytes = <usize>n << 3;
  for (let i: usize = 0; i < bytes; i += 8) f64.store(step + i, -f64.load(g + i));
  const oldest = max(0, stored - PAIRS);
  for (let i = stored - 1; i >= oldest; i--) {
    const s = pair(pairs, n, i);
    const own = scalar(pairs, n, i);
    const alpha = f64.load(own, 8) * dot(s, step, n);
    f64.store(own, alpha);
    axpy(-alpha, s + bytes, step, n);
  }
  let size: f64 = 1; // sᵀy / yᵀ diag(inverse) y of the newest pair
  if (stored > 0) {
    const y = pair(pairs, n, stored - 1) + bytes;
    size = 1 / (f64.load(scalar(pairs, n, stored - 1), 8) * squaredNorm(y, inverse, n));
  }
  for (let i: usize = 0; i < bytes; i += 8) {
    f64.store(step + i, f64.load(step + i) * f64.load(inverse + i) * size);
  }
  for (let i = oldest; i < stored; i++) {
    const s = pair(pairs, n, i);
    const own = scalar(pairs, n, i);
    const beta = f64.load(own, 8) * dot(s + bytes, step, n);
    axpy(f64.load(own) - beta, s, step, n);
  }
}

// xᵀ diag(scale) x
export function squaredNorm(x: usize, scale: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let i: usize = 0, bytes = <usize>n << 3; i < bytes; i += 8) {
    sum += f64.load(x + i) * f64.load(x + i) * f64.load(scale + i);
  }
  return sum;
}
