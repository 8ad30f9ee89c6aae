// Double precision for the classifiers: sums, and the exponential and logarithm that a likelihood needs.

const ONE = f64x2.splat(1);

@inline
export function across(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

// Σ a · b
export function dot(a: usize, b: usize, count: i32): f64 {
  let sum = f64x2.splat(0);
  const end = a + (<usize>(count & ~1) << 3);
  for (; a < end; a += 16, b += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(a), v128.load(b)));
  return across(sum) + (count & 1 ? f64.load(a) * f64.load(b) : 0);
}

// y += a · x
export function axpy(a: f64, x: usize, y: usize, count: i32): void {
  for (const end = x + (<usize>count << 3); x < end; x += 8, y += 8) f64.store(y, f64.load(y) + a * f64.load(x));
}

/** eˣ for x ≤ 0, relative error below 1e-15; 0 below −700. Reduced to |r| ≤ ½ log 2, then a Taylor series. */
@inline
export function exp(x: v128): v128 {
  const kept = f64x2.max(x, f64x2.splat(-700));
  const n = f64x2.nearest(f64x2.mul(kept, f64x2.splat(1.4426950408889634)));
  let r = f64x2.sub(kept, f64x2.mul(n, f64x2.splat(6.93147180369123816490e-1))); // log 2, high part
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(1.90821492927058770002e-10))); // and the rest
  const r2 = f64x2.mul(r, r); // two chains, even and odd powers: less waits for what comes before it
  let even = f64x2.splat(1.0 / 479001600.0);
  even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 3628800.0));
  even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 40320.0));
  even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 720.0));
  even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(1.0 / 24.0));
  even = f64x2.add(f64x2.mul(even, r2), f64x2.splat(0.5));
  even = f64x2.add(f64x2.mul(even, r2), ONE);
  let odd = f64x2.splat(1.0 / 39916800.0);
  odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 362880.0));
  odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 5040.0));
  odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 120.0));
  odd = f64x2.add(f64x2.mul(odd, r2), f64x2.splat(1.0 / 6.0));
  odd = f64x2.add(f64x2.mul(odd, r2), ONE);
  const p = f64x2.add(even, f64x2.mul(odd, r));
  const exponent = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(n));
  const power = i64x2.shl(i64x2.add(exponent, i64x2.splat(1023)), 52);
  return v128.and(f64x2.mul(p, power), f64x2.ge(x, f64x2.splat(-700)));
}

/** log x for x from 1 on, error below 1e-15 of it, or of 1: exponent and 2 artanh((m − 1) / (m + 1)) of the mantissa. */
export function log(x: v128): v128 {
  // The mantissa is brought to [√½, √2): adding the bits of 1 − √½ carries into the exponent from √2 on.
  const shifted = i64x2.add(x, i64x2.splat(0x95F619980C433));
  const exponent = i64x2.sub(i64x2.shr_u(shifted, 52), i64x2.splat(1023));
  const m = i64x2.sub(x, i64x2.shl(exponent, 52));
  const z = f64x2.div(f64x2.sub(m, ONE), f64x2.add(m, ONE));
  const t = f64x2.mul(z, z);
  let p = f64x2.splat(1.0 / 19.0);
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 17.0));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 15.0));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 13.0));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 11.0));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 9.0));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 7.0));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 5.0));
  p = f64x2.add(f64x2.mul(p, t), f64x2.splat(1.0 / 3.0));
  p = f64x2.add(f64x2.mul(p, t), ONE);
  const whole = f64x2.convert_low_i32x4_s(i8x16.shuffle(exponent, exponent, 0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11));
  return f64x2.add(f64x2.mul(whole, f64x2.splat(0.6931471805599453)), f64x2.mul(f64x2.add(z, z), p));
}

/**
 * The symmetric matrix h (n, n), lower triangle ← its Cholesky factor. A direction that rounding leaves without curvature
 * gets an infinite pivot: no step along it.
 */
export function factor(h: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const row = h + ((<usize>i * n) << 3);
    for (let j = 0; j < i; j++) {
      const other = h + ((<usize>j * n) << 3);
      const at = <usize>j << 3;
      f64.store(row + at, (f64.load(row + at) - dot(row, other, j)) / f64.load(other + at));
    }
    const at = row + (<usize>i << 3);
    const diagonal = f64.load(at);
    const pivot = diagonal - dot(row, row, i);
    f64.store(at, pivot > 1e-14 * diagonal ? sqrt(pivot) : Infinity);
  }
}

// x (n) = −H⁻¹ b, by the factor of H in h
export function solveNegative(h: usize, n: i32, b: usize, x: usize): void {
  for (let i = 0; i < n; i++) {
    const row = h + ((<usize>i * n) << 3);
    const at = <usize>i << 3;
    f64.store(x + at, (-f64.load(b + at) - dot(row, x, i)) / f64.load(row + at));
  }
  for (let i = n - 1; i >= 0; i--) {
    const row = h + ((<usize>i * n) << 3);
    const at = x + (<usize>i << 3);
    const value = f64.load(at) / f64.load(row + (<usize>i << 3));
    f64.store(at, value);
    axpy(-value, row, x, i);
  }
}
