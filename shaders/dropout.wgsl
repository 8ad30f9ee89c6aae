// x[i] ← bits(seed, t, i) ≥ p · 2³² ? x[i] / (1 − p) : 0, with t = clock[0]; the same call masks the gradient
//
// bits: word i mod 4 of Philox4x32-10 (Salmon et al. 2011) with counter (⌊i / 4⌋, t, 0, DROPOUT) and key (seed, 0).
// Integers alone decide what is kept, so every engine keeps the same.
struct Params { length: u32, seed: u32, p: f32 }
@group(0) @binding(0) var<storage, read> clock: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

const FLAT = 256u;
// the purpose word that keeps masks apart from other draws of the same seed
const DROPOUT = 2u;

// The upper half of the 64-bit product of two words, by halves of 16 bits
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  let carry = a_low * b_high + (middle & 0xffffu);
  return a_high * b_high + (middle >> 16u) + (carry >> 16u);
}

fn philox(block: u32, step: u32, seed: u32) -> vec4u {
  var c = vec4u(block, step, 0u, DROPOUT);
  var key = vec2u(seed, 0u);
  for (var round = 0u; round < 10u; round++) {
    let low = vec2u(0xd2511f53u, 0xcd9e8d57u) * c.xz;
    let high = vec2u(multiply_high(0xd2511f53u, c.x), multiply_high(0xcd9e8d57u, c.z));
    c = vec4u(high.y ^ c.y ^ key.x, low.y, high.x ^ c.w ^ key.y, low.x);
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// A thread masks the four values that share a block
@compute @workgroup_size(FLAT)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let step = u32(clock[0]);
  // a power of two times p is exact
  let threshold = u32(p.p * 4294967296.0);
  let scale = 1.0 / (1.0 - p.p);
  for (var block = id.x; 4u * block < p.length; block += groups.x * FLAT) {
    let words = philox(block, step, p.seed);
    for (var lane = 0u; lane < min(4u, p.length - 4u * block); lane++) {
      let i = 4u * block + lane;
      x[i] = select(0.0, x[i] * scale, words[lane] >= threshold);
    }
  }
}
