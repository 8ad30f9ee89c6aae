// x̂ = (x − mean) · inv; dbeta = Σ dy; dgamma = Σ dy ⊙ x̂;
// dy ← gamma · inv · (dy − train · (dbeta + x̂ · dgamma) / rows)
//
// `sums` fills dbeta and dgamma, then `apply` uses them. For `sums` a workgroup takes COLUMNS columns, each by
// PARTS threads that take every PARTS-th row.
struct Params { rows: u32, cols: u32, train: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> saved: array<f32>;
@group(0) @binding(3) var<storage, read_write> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dgamma: array<f32>;
@group(0) @binding(5) var<storage, read_write> dbeta: array<f32>;
@group(0) @binding(6) var<uniform> p: Params;

const FLAT = 256u;
const COLUMNS = 8u;
const PARTS = 16u;

var<workgroup> parts: array<vec2f, COLUMNS * PARTS>;

// The sums of a column's parts, to all threads that share it
fn total(part: vec2f, local: vec3u) -> vec2f {
  parts[local.y * COLUMNS + local.x] = part;
  workgroupBarrier();
  var sum = vec2f();
  for (var i = 0u; i < PARTS; i++) { sum += parts[i * COLUMNS + local.x]; }
  workgroupBarrier();
  return sum;
}

fn hat(i: u32, col: u32) -> f32 {
  return (x[i] - saved[col]) * saved[p.cols + col];
}

@compute @workgroup_size(COLUMNS, PARTS)
fn sums(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  for (var first = group.x * COLUMNS; first < p.cols; first += groups.x * COLUMNS) {
    let col = first + local.x;
    var part = vec2f();
    if (col < p.cols) {
      for (var row = local.y; row < p.rows; row += PARTS) {
        let i = row * p.cols + col;
        part += dy[i] * vec2f(1.0, hat(i, col));
      }
    }
    let sum = total(part, local);
    if (col < p.cols && local.y == 0u) {
      dbeta[col] = sum.x;
      dgamma[col] = sum.y;
    }
  }
}

@compute @workgroup_size(FLAT)
fn apply(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let share = f32(p.train) / f32(p.rows);
  for (var i = id.x; i < p.rows * p.cols; i += groups.x * FLAT) {
    let col = i % p.cols;
    let through = share * (dbeta[col] + hat(i, col) * dgamma[col]);
    dy[i] = gamma[col] * saved[p.cols + col] * (dy[i] - through);
  }
}
