// dx (sets, rows, cols) = dy (sets, cols) / rows
struct Params { sets: u32, rows: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

const FLAT = 256u;

@compute @workgroup_size(FLAT)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let share = 1.0 / f32(p.rows);
  for (var i = id.x; i < p.sets * p.rows * p.cols; i += groups.x * FLAT) {
    dx[i] = dy[i / (p.rows * p.cols) * p.cols + i % p.cols] * share;
  }
}
