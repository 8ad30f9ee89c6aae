// db (cols) = Σ_rows dy (rows, cols)
//
// `alone` gives every column one thread; where there are many rows, `together` lets PARTS threads share a column, each
// taking every PARTS-th row.
struct Params { rows: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read_write> db: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

const FLAT = 256u;
const COLUMNS = 8u;
const PARTS = 16u;

// The sum of column `col` over every step-th row
fn column(col: u32, first: u32, step: u32) -> f32 {
  var sum = 0.0;
  for (var row = first; row < p.rows; row += step) { sum += dy[row * p.cols + col]; }
  return sum;
}

@compute @workgroup_size(FLAT)
fn alone(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var col = id.x; col < p.cols; col += groups.x * FLAT) { db[col] = column(col, 0u, 1u); }
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
  for (var first = group.x * COLUMNS; first < p.cols; first += groups.x * COLUMNS) {
    let col = first + local.x;
    let inside = col < p.cols;
    var part = 0.0;
    if (inside) { part = column(col, local.y, PARTS); }
    let sum = total(part, local);
    if (inside && local.y == 0u) { db[col] = sum; }
  }
}
