// Adam (Kingma & Ba 2015) as PyTorch has it: m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²;
// w ← w − lr · (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε)
//
// clock = [t, β₁ᵗ, β₂ᵗ, lr]
struct Params { length: u32, beta1: f32, beta2: f32, epsilon: f32 }
@group(0) @binding(0) var<storage, read> clock: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> w: array<f32>;
@group(0) @binding(5) var<uniform> p: Params;

const FLAT = 256u;

@compute @workgroup_size(FLAT)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rate = clock[3] / (1.0 - clock[1]);
  let unbias = 1.0 / (1.0 - clock[2]);
  for (var i = id.x; i < p.length; i += groups.x * FLAT) {
    let mean = p.beta1 * m[i] + (1.0 - p.beta1) * g[i];
    let square = p.beta2 * v[i] + (1.0 - p.beta2) * g[i] * g[i];
    m[i] = mean;
    v[i] = square;
    w[i] -= rate * mean / (sqrt(square * unbias) + p.epsilon);
  }
}
