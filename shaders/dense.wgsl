// y (rows, cols) = f(x (rows, inner) · w (inner, cols) + b (cols))
//
// A thread makes a tile of y, 8 rows × 4 columns. `aligned` and `ragged` give every tile one thread; where tiles are
// few and inner is long, `…_slices` let SLICES threads share a tile, each taking every SLICES-th step along inner.
// `aligned…` need inner and cols to be multiples of 4 and read four numbers at once.
struct Params { rows: u32, inner: u32, cols: u32, activation: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(0) var<storage, read> x4: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read> w4: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

// rows and columns of a tile; threads across and down a workgroup, a tile each
const TILE_ROWS = 8u;
const TILE_COLS = 4u;
const ACROSS = 16u;
const DOWN = 4u;
// tiles of a workgroup that shares them, and the threads for each
const LANES = 4u;
const SLICES = 16u;

// the codes of ACTIVATION in the kernel table
const RELU = 1u;
const LEAKY_RELU = 2u;
const SIGMOID = 3u;
const TANH = 4u;
const LEAK = 0.2;
// where tanh changes its formula
const NEAR = 0.625;

const STEPS = vec4u(0u, 1u, 2u, 3u);

// One vector a row: the first four rows, the other four
struct Tile { top: mat4x4f, bottom: mat4x4f }

// σ(z) = 1 / (1 + e) for z ≥ 0, e / (1 + e) for z < 0, with e = e^−|z|, which cannot overflow
fn sigmoid(z: vec4f) -> vec4f {
  let e = exp(-abs(z));
  return select(e, vec4f(1.0), z >= vec4f(0.0)) / (1.0 + e);
}

// tanh |z| = (1 − e) / (1 + e), with e = e^−2|z|; near 0, where that cancels, five steps of Lambert's continued fraction
fn hyperbolic(z: vec4f) -> vec4f {
  let a = abs(z);
  let e = exp(-2.0 * a);
  let c = min(a, vec4f(NEAR));
  let q = c * c;
  let near = c * (945.0 + q * (105.0 + q)) / (945.0 + q * (420.0 + q * 15.0));
  return sign(z) * select((1.0 - e) / (1.0 + e), near, a < vec4f(NEAR));
}

// f(z); NaN stays NaN
fn activate(z: vec4f) -> vec4f {
  switch p.activation {
    case RELU { return select(z, vec4f(0.0), z < vec4f(0.0)); }
    case LEAKY_RELU { return select(z, LEAK * z, z < vec4f(0.0)); }
    case SIGMOID { return sigmoid(z); }
    case TANH { return hyperbolic(z); }
    default { return z; }
  }
}

fn store_row(row: u32, cols: vec4u, sum: vec4f) {
  if (row >= p.rows) { return; }
  let last = p.cols - 1u;
  let at = min(cols, vec4u(last));
  let value = activate(sum + vec4f(b[at.x], b[at.y], b[at.z], b[at.w]));
  for (var i = 0u; i < TILE_COLS; i++) {
    if (cols[i] <= last) { y[row * p.cols + cols[i]] = value[i]; }
  }
}

fn store(row: u32, cols: vec4u, tile: Tile) {
  for (var i = 0u; i < 4u; i++) {
    store_row(row + i, cols, tile.top[i]);
    store_row(row + 4u + i, cols, tile.bottom[i]);
  }
}

// Where four rows of x begin, the last one again beyond the end
fn rows_from(row: u32) -> vec4u {
  return min(row + STEPS, vec4u(p.rows - 1u)) * p.inner;
}

fn aligned_tile(row: u32, col: u32, slice: u32, slices: u32) -> Tile {
  let top = rows_from(row) / 4u;
  let bottom = rows_from(row + 4u) / 4u;
  let pitch = p.cols / 4u;
  var tile: Tile;
  for (var k = slice; k < p.inner / 4u; k += slices) {
    let at = 4u * k * pitch + col / 4u;
    let m = mat4x4f(w4[at], w4[at + pitch], w4[at + 2u * pitch], w4[at + 3u * pitch]);
    tile.top += m * mat4x4f(x4[top.x + k], x4[top.y + k], x4[top.z + k], x4[top.w + k]);
    tile.bottom += m * mat4x4f(x4[bottom.x + k], x4[bottom.y + k], x4[bottom.z + k], x4[bottom.w + k]);
  }
  return tile;
}

fn ragged_tile(row: u32, cols: vec4u, slice: u32, slices: u32) -> Tile {
  let top = rows_from(row);
  let bottom = rows_from(row + 4u);
  let from_col = min(cols, vec4u(p.cols - 1u));
  var tile: Tile;
  for (var k = slice; k < p.inner; k += slices) {
    let at = k * p.cols + from_col;
    let v = vec4f(w[at.x], w[at.y], w[at.z], w[at.w]);
    tile.top += mat4x4f(v * x[top.x + k], v * x[top.y + k], v * x[top.z + k], v * x[top.w + k]);
    tile.bottom += mat4x4f(v * x[bottom.x + k], v * x[bottom.y + k], v * x[bottom.z + k], v * x[bottom.w + k]);
  }
  return tile;
}

@compute @workgroup_size(ACROSS, DOWN)
fn aligned(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var row = id.y * TILE_ROWS; row < p.rows; row += groups.y * DOWN * TILE_ROWS) {
    for (var col = id.x * TILE_COLS; col < p.cols; col += groups.x * ACROSS * TILE_COLS) {
      store(row, col + STEPS, aligned_tile(row, col, 0u, 1u));
    }
  }
}

// A tile's columns are as far apart as there are threads across, so that neighbours read neighbours
@compute @workgroup_size(ACROSS, DOWN)
fn ragged(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u,
) {
  for (var row = id.y * TILE_ROWS; row < p.rows; row += groups.y * DOWN * TILE_ROWS) {
    for (var col = group.x * ACROSS * TILE_COLS + local.x; col < p.cols; col += groups.x * ACROSS * TILE_COLS) {
      let cols = col + ACROSS * STEPS;
      store(row, cols, ragged_tile(row, cols, 0u, 1u));
    }
  }
}

var<workgroup> parts: array<vec4f, LANES * SLICES>;

// The sums of a tile's rows over its slices, row i in slice i
fn total(tile: Tile, local: vec3u) -> vec4f {
  var sum = vec4f();
  for (var row = 0u; row < TILE_ROWS; row++) {
    parts[local.z * LANES + local.x] = select(tile.top[row % 4u], tile.bottom[row % 4u], row >= 4u);
    workgroupBarrier();
    if (local.z == row) {
      for (var slice = 0u; slice < SLICES; slice++) { sum += parts[slice * LANES + local.x]; }
    }
    workgroupBarrier();
  }
  return sum;
}

@compute @workgroup_size(LANES, 1, SLICES)
fn aligned_slices(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  for (var row = group.y * TILE_ROWS; row < p.rows; row += groups.y * TILE_ROWS) {
    for (var first = group.x * LANES * TILE_COLS; first < p.cols; first += groups.x * LANES * TILE_COLS) {
      let col = first + local.x * TILE_COLS;
      var tile: Tile;
      if (col < p.cols) { tile = aligned_tile(row, col, local.z, SLICES); }
      let sum = total(tile, local);
      if (local.z < TILE_ROWS) { store_row(row + local.z, col + STEPS, sum); }
    }
  }
}

@compute @workgroup_size(LANES, 1, SLICES)
fn ragged_slices(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  for (var row = group.y * TILE_ROWS; row < p.rows; row += groups.y * TILE_ROWS) {
    for (var first = group.x * LANES * TILE_COLS; first < p.cols; first += groups.x * LANES * TILE_COLS) {
      let col = first + local.x;
      let cols = col + LANES * STEPS;
      var tile: Tile;
      if (col < p.cols) { tile = ragged_tile(row, cols, local.z, SLICES); }
      let sum = total(tile, local);
      if (local.z < TILE_ROWS) { store_row(row + local.z, cols, sum); }
    }
  }
}
