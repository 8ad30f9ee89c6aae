// rows index[0 … count) of y, which holds the rows [first, first + slots) of something larger, ← x (count, length);
// what lies outside is left out. Indices are distinct
struct Params { slots: u32, count: u32, length: u32, first: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

const ALONG = 64u;

// A workgroup strides along a row
@compute @workgroup_size(ALONG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var row = id.y; row < p.count; row += groups.y) {
    // below zero wraps around to far beyond
    let slot = u32(index[row]) - p.first;
    if (slot >= p.slots) { continue; }
    for (var i = id.x; i < p.length; i += groups.x * ALONG) {
      y[slot * p.length + i] = x[row * p.length + i];
    }
  }
}
