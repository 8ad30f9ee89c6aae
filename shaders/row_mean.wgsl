// y (sets, cols) = mean over rows of x (sets, rows, cols)
//
// `alone` gives every column of a set one thread; where there are many rows, `together` lets PARTS threads share a
// column, each taking every PARTS-th row.
struct Params { sets: u32, rows: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

const FLAT = 256u;
const COLUMNS = 8u;
const PARTS = 16u;

// The sum of column `col` in set `b` over every step-th row
fn column(b: u32, col: u32, first: u32, step: u32) -> f32 {
  var sum = 0.0;
  for (var row = first; row < p.rows; row += step) { sum += x[(b * p.rows + row) * p.cols + col]; }
  return sum;
}

@compute @workgroup_size(FLAT)
fn alone(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.sets * p.cols; i += groups.x * FLAT) {
    y[i] = column(i / p.cols, i % p.cols, 0u, 1u) / f32(p.rows);
  }
}

var<workgroup> parts: array<f32, COLUMNS * PARTS>;

// The sum of a column's parts, to all threads that share it
fn total(part: f32, local: vec3u) -> f32 {
  parts[local.y * COLUMNS + local.x] = part;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < PARTS; i++) { sum += parts[i * COLUMNS + local.x]; }
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(COLUMNS, PARTS)
fn together(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  for (var b = group.y; b < p.sets; b += groups.y) {
    for (var first = group.x * COLUMNS; first < p.cols; first += groups.x * COLUMNS) {
      let col = first + local.x;
      let inside = col < p.cols;
      var part = 0.0;
      if (inside) { part = column(b, col, local.y, PARTS); }
      let sum = total(part, local);
      if (inside && local.y == 0u) { y[b * p.cols + col] = sum / f32(p.rows); }
    }
  }
}
