// on logits z: loss = Σ (max(z, 0) − z · target + log(1 + e^−|z|)) / length; dz = scale · (σ(z) − target) / length
//
// `gradient` fills dz, `value` the loss: one workgroup, whose threads each take every TERMS-th term.
struct Params { length: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> goal: array<f32>;
@group(0) @binding(2) var<storage, read_write> dz: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

const FLAT = 256u;
const TERMS = 64u;

var<workgroup> parts: array<f32, TERMS>;

// σ(z) = 1 / (1 + e) for z ≥ 0, e / (1 + e) for z < 0, with e = e^−|z|, which cannot overflow
fn sigmoid(z: f32) -> f32 {
  let e = exp(-abs(z));
  return select(e, 1.0, z >= 0.0) / (1.0 + e);
}

// log(1 + e) for e in [0, 1] = 2 artanh(s) = 2 (s + s³/3 + s⁵/5 + …), s = e / (2 + e) ≤ 1/3, to s¹⁵:
// log() itself may be off by 5e-7
fn log1p(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let q = s * s;
  var sum = 2.0 / 15.0;
  for (var k = 13; k > 0; k -= 2) { sum = sum * q + 2.0 / f32(k); }
  return sum * s;
}

@compute @workgroup_size(FLAT)
fn gradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let factor = p.scale / f32(p.length);
  for (var i = id.x; i < p.length; i += groups.x * FLAT) {
    dz[i] = factor * (sigmoid(z[i]) - goal[i]);
  }
}

@compute @workgroup_size(TERMS)
fn value(@builtin(local_invocation_index) at: u32) {
  var part = 0.0;
  for (var i = at; i < p.length; i += TERMS) {
    part += max(z[i], 0.0) - z[i] * goal[i] + log1p(exp(-abs(z[i])));
  }
  parts[at] = part;
  for (var half = TERMS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (at < half) { parts[at] += parts[at + half]; }
  }
  if (at == 0u) { loss[0] = parts[0] / f32(p.length); }
}
