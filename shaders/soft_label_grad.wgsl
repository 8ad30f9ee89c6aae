// dx (rows, features + classes) from y and dy (rows, features + labels)
//
// Features pass; the logits' gradients are, by `labels`, 0: none; 1 (two classes): dl₁ = −dl₀ = dy · (1 − y²);
// classes: dl_c = y_c · (dy_c − Σ y ⊙ dy)
struct Params { rows: u32, features: u32, classes: u32, labels: u32 }
@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

const FLAT = 256u;

// The gradient of logit c of the row whose labels begin at `first`
fn logit(first: u32, c: u32) -> f32 {
  if (p.labels == 0u) { return 0.0; }
  if (p.labels == 1u && p.classes == 2u) {
    let d = dy[first] * (1.0 - y[first] * y[first]);
    return select(-d, d, c == 1u);
  }
  var dot = 0.0;
  for (var i = 0u; i < p.labels; i++) { dot += y[first + i] * dy[first + i]; }
  return y[first + c] * (dy[first + c] - dot);
}

@compute @workgroup_size(FLAT)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let width = p.features + p.classes;
  for (var i = id.x; i < p.rows * width; i += groups.x * FLAT) {
    let col = i % width;
    let row = i / width * (p.features + p.labels);
    if (col < p.features) {
      dx[i] = dy[row + col];
    } else {
      dx[i] = logit(row + p.features, col - p.features);
    }
  }
}
