/**
 * Cumulative distribution functions, from the incomplete gamma and beta functions.
 * Series and continued fractions follow Abramowitz & Stegun 6.5.29, 6.5.31 and 26.5.8 (DLMF 8.11.4, 8.9.2, 8.17.22).
 */

const EPSILON = 1e-15;
const TINY = 1e-300;
const MAX_TERMS = 10_000;

// Lanczos' approximation of Γ with g = 7, nine terms.
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
  12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const t = x + 6.5;
  let sum = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (x - 1 + i);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * A continued fraction b₀ + a₁/(b₁ + a₂/(b₂ + …)) by Lentz's method; `term(i)` gives [aᵢ, bᵢ].
 */
function continuedFraction(b0: number, term: (i: number) => readonly [number, number]): number {
  let value = b0 === 0 ? TINY : b0;
  let c = value;
  let d = 0;
  for (let i = 1; i <= MAX_TERMS; i++) {
    const [a, b] = term(i);
    d = b + a * d;
    if (d === 0) d = TINY;
    c = b + a / c;
    if (c === 0) c = TINY;
    d = 1 / d;
    value *= c * d;
    if (Math.abs(c * d - 1) < EPSILON) break;
  }
  return value;
}

/** The regularised incomplete gamma functions [P(a, x), Q(a, x)]; they sum to 1 and neither cancels. */
function incompleteGamma(a: number, x: number): [number, number] {
  if (x <= 0) return [0, 1];
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n <= MAX_TERMS && term > sum * EPSILON; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return [front * sum, 1 - front * sum];
  }
  const upper = front / continuedFraction(x + 1 - a, (i) => [i * (a - i), x + 2 * i + 1 - a]);
  return [1 - upper, upper];
}

/** The regularised incomplete beta function I(x; a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  const fraction = continuedFraction(1, (i) => {
    const m = i >> 1;
    const even = i % 2 === 0;
    const a_i = even
      ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
      : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    return [a_i, 1];
  });
  return front / (a * fraction);
}

/** P(Z ≤ z) of the standard normal. */
export function normalCdf(z: number): number {
  const [, tail] = incompleteGamma(0.5, (z * z) / 2);
  return z < 0 ? tail / 2 : 1 - tail / 2;
}

/** P(X > x) of χ² with `df` degrees of freedom. */
export function chiSquaredTail(x: number, df: number): number {
  return incompleteGamma(df / 2, x / 2)[1];
}

/** P(X ≤ x) of χ² with `df` degrees of freedom. */
export function chiSquaredCdf(x: number, df: number): number {
  return incompleteGamma(df / 2, x / 2)[0];
}

/** P(T ≤ t) of Student's t with `df` degrees of freedom. */
export function studentTCdf(t: number, df: number): number {
  const tail = incompleteBeta(df / (df + t * t), df / 2, 0.5) / 2;
  return t < 0 ? tail : 1 - tail;
}

/** P(|T| > |t|) of Student's t with `df` degrees of freedom: the two-sided p. */
export function studentTTwoSided(t: number, df: number): number {
  return incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** The t with P(T ≤ t) = p of Student's t with `df` degrees of freedom, ½ ≤ p < 1. */
export function studentTQuantile(p: number, df: number): number {
  let [low, high] = [0, 1];
  while (studentTCdf(high, df) < p) high *= 2;
  for (let i = 0; i < 100 && low < high; i++) {
    const middle = (low + high) / 2;
    if (studentTCdf(middle, df) < p) low = middle;
    else high = middle;
  }
  return high;
}

/** P(X > f) of the F distribution with `df1` and `df2` degrees of freedom. */
export function fTail(f: number, df1: number, df2: number): number {
  return f <= 0 ? 1 : incompleteBeta(df2 / (df2 + df1 * f), df2 / 2, df1 / 2);
}
