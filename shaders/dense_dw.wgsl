// dw (inner, cols) = xᵀ (inner, rows) · dy (rows, cols)
//
// A thread makes a tile of dw, 8 rows × 4 columns. `aligned` and `ragged` give every tile one thread; where tiles are
// few and x has many rows, `…_slices` let SLICES threads share a tile, each taking every SLICES-th row of x and dy.
// `aligned…` need inner and cols to be multiples of 4 and read four numbers at once.
struct Params { rows: u32, inner: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(0) var<storage, read> x4: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> dy4: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

// rows and columns of a tile; threads across and down a workgroup, a tile each
const TILE_ROWS = 8u;
const TILE_COLS = 4u;
const ACROSS = 16u;
const DOWN = 4u;
// tiles of a workgroup that shares them, and the threads for each
const LANES = 4u;
const SLICES = 16u;

const STEPS = vec4u(0u, 1u, 2u, 3u);

// One vector a row: the first four rows, the other four
struct Tile { top: mat4x4f, bottom: mat4x4f }

fn store_row(row: u32, cols: vec4u, sum: vec4f) {
  if (row >= p.inner) { return; }
  for (var i = 0u; i < TILE_COLS; i++) {
    if (cols[i] < p.cols) { dw[row * p.cols + cols[i]] = sum[i]; }
  }
}

fn store(row: u32, cols: vec4u, tile: Tile) {
  for (var i = 0u; i < 4u; i++) {
    store_row(row + i, cols, tile.top[i]);
    store_row(row + 4u + i, cols, tile.bottom[i]);
  }
}

fn aligned_tile(row: u32, col: u32, slice: u32, slices: u32) -> Tile {
  let top = row / 4u;
  let bottom = min(top + 1u, p.inner / 4u - 1u);
  var tile: Tile;
  for (var i = slice; i < p.rows; i += slices) {
    let v = dy4[(i * p.cols + col) / 4u];
    let a = x4[i * (p.inner / 4u) + top];
    let b = x4[i * (p.inner / 4u) + bottom];
    tile.top += mat4x4f(v * a.x, v * a.y, v * a.z, v * a.w);
    tile.bottom += mat4x4f(v * b.x, v * b.y, v * b.z, v * b.w);
  }
  return tile;
}

fn ragged_tile(row: u32, cols: vec4u, slice: u32, slices: u32) -> Tile {
  let top = min(row + STEPS, vec4u(p.inner - 1u));
  let bottom = min(row + 4u + STEPS, vec4u(p.inner - 1u));
  let from_col = min(cols, vec4u(p.cols - 1u));
  var tile: Tile;
  for (var i = slice; i < p.rows; i += slices) {
    let at = i * p.cols + from_col;
    let v = vec4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]);
    let a = i * p.inner + top;
    let b = i * p.inner + bottom;
    tile.top += mat4x4f(v * x[a.x], v * x[a.y], v * x[a.z], v * x[a.w]);
    tile.bottom += mat4x4f(v * x[b.x], v * x[b.y], v * x[b.z], v * x[b.w]);
  }
  return tile;
}

@compute @workgroup_size(ACROSS, DOWN)
fn aligned(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var row = id.y * TILE_ROWS; row < p.inner; row += groups.y * DOWN * TILE_ROWS) {
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
  for (var row = id.y * TILE_ROWS; row < p.inner; row += groups.y * DOWN * TILE_ROWS) {
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
  for (var row = group.y * TILE_ROWS; row < p.inner; row += groups.y * TILE_ROWS) {
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
  for (var row = group.y * TILE_ROWS; row < p.inner; row += groups.y * TILE_ROWS) {
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
