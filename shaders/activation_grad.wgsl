// dy ← dy ⊙ f′, with f′ written in terms of the output y = f(z)
struct Params { length: u32, activation: u32 }
@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> dy: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

const FLAT = 256u;
// the codes of ACTIVATION in the kernel table
const RELU = 1u;
const LEAKY_RELU = 2u;
const SIGMOID = 3u;
const TANH = 4u;
const LEAK = 0.2;

fn gradient(y: f32, dy: f32) -> f32 {
  switch p.activation {
    // not "where y > 0": that would take NaN for 0 and hide it
    case RELU { return select(dy, 0.0, y <= 0.0); }
    case LEAKY_RELU { return select(LEAK * dy, dy, y > 0.0); }
    case SIGMOID { return dy * y * (1.0 - y); }
    case TANH { return dy * (1.0 - y * y); }
    default { return dy; }
  }
}

@compute @workgroup_size(FLAT)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.length; i += groups.x * FLAT) {
    dy[i] = gradient(y[i], dy[i]);
  }
}
