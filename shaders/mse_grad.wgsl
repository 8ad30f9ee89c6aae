// loss = Σ (y − target)² / length; dy = scale · 2 (y − target) / length
//
// `gradient` fills dy, `value` the loss: one workgroup, whose threads each take every TERMS-th term.
struct Params { length: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> goal: array<f32>;
@group(0) @binding(2) var<storage, read_write> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

const FLAT = 256u;
const TERMS = 64u;

var<workgroup> parts: array<f32, TERMS>;

@compute @workgroup_size(FLAT)
fn gradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let factor = 2.0 * p.scale / f32(p.length);
  for (var i = id.x; i < p.length; i += groups.x * FLAT) {
    dy[i] = factor * (y[i] - goal[i]);
  }
}

@compute @workgroup_size(TERMS)
fn value(@builtin(local_invocation_index) at: u32) {
  var part = 0.0;
  for (var i = at; i < p.length; i += TERMS) {
    let d = y[i] - goal[i];
    part += d * d;
  }
  parts[at] = part;
  for (var half = TERMS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (at < half) { parts[at] += parts[at + half]; }
  }
  if (at == 0u) { loss[0] = parts[0] / f32(p.length); }
}
