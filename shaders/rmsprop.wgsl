// RMSprop as PyTorch has it: v ← αv + (1−α)g²; w ← w − lr · g / (√v + ε)
//
// clock = [t, β₁ᵗ, β₂ᵗ, lr]
struct Params { length: u32, alpha: f32, epsilon: f32 }
@group(0) @binding(0) var<storage, read> clock: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> v: array<f32>;
@group(0) @binding(3) var<storage, read_write> w: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

const FLAT = 256u;

@compute @workgroup_size(FLAT)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rate = clock[3];
  for (var i = id.x; i < p.length; i += groups.x * FLAT) {
    let square = p.alpha * v[i] + (1.0 - p.alpha) * g[i] * g[i];
    v[i] = square;
    w[i] -= rate * g[i] / (sqrt(square) + p.epsilon);
  }
}
