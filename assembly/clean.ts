/** A finite f32: NaN counts as 0, ±∞ as ±f32.MAX_VALUE, −0 as 0. Diverged sets reach the classifiers too. */
@inline
export function cleanF32(x: f32): f32 {
  return x == x ? max(min(x, f32.MAX_VALUE), -f32.MAX_VALUE) + 0 : 0;
}
