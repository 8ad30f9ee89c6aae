// y = gamma ⊙ (x − mean) / √(var + ε) + beta, per column. train = 1: batch statistics (biased variance), and
// running ← (1 − momentum) · running + momentum · batch (mean, then unbiased variance); train = 0: running ones.
// saved (2, cols) = the mean and 1/√(var + ε) that were used
//
// `batch` or `running` fill saved, then `apply` uses it. For `batch` a workgroup takes COLUMNS columns, each by
// PARTS threads that take every PARTS-th row: once for the mean, once for the squares around it.
struct Params { rows: u32, cols: u32, train: u32, momentum: f32, epsilon: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> beta: array<f32>;
@group(0) @binding(3) var<storage, read_write> running: array<f32>;
@group(0) @binding(4) var<storage, read_write> saved: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> p: Params;

const FLAT = 256u;
const COLUMNS = 8u;
const PARTS = 16u;

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

fn save(col: u32, mean: f32, variance: f32) {
  saved[col] = mean;
  saved[p.cols + col] = 1.0 / sqrt(variance + p.epsilon);
}

@compute @workgroup_size(COLUMNS, PARTS)
fn batch(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let n = f32(p.rows);
  for (var first = group.x * COLUMNS; first < p.cols; first += groups.x * COLUMNS) {
    let col = first + local.x;
    let rows = select(0u, p.rows, col < p.cols);
    var sum = 0.0;
    for (var row = local.y; row < rows; row += PARTS) { sum += x[row * p.cols + col]; }
    let mean = total(sum, local) / n;
    var squares = 0.0;
    for (var row = local.y; row < rows; row += PARTS) {
      let d = x[row * p.cols + col] - mean;
      squares += d * d;
    }
    let variance = total(squares, local) / n;
    if (col < p.cols && local.y == 0u) {
      let unbiased = variance * n / max(n - 1.0, 1.0);
      running[col] = (1.0 - p.momentum) * running[col] + p.momentum * mean;
      running[p.cols + col] = (1.0 - p.momentum) * running[p.cols + col] + p.momentum * unbiased;
      save(col, mean, variance);
    }
  }
}

@compute @workgroup_size(FLAT)
fn running_ones(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var col = id.x; col < p.cols; col += groups.x * FLAT) {
    save(col, running[col], running[p.cols + col]);
  }
}

@compute @workgroup_size(FLAT)
fn apply(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.rows * p.cols; i += groups.x * FLAT) {
    let col = i % p.cols;
    y[i] = (x[i] - saved[col]) * (gamma[col] * saved[p.cols + col]) + beta[col];
  }
}
