// dkernel[s, k] = Σ_{b,j} dy[b, s, j] · h[b, j, k]; dbias[s] = Σ_{b,j} dy[b, s, j]
//
// Rows of h are numbered through all sets, n = b · width + j, and have one more column, of ones, whose product is
// dbias. A thread makes a tile of 8 rows s × 4 columns k, `ragged` alone; where tiles are few and there are many n,
// `ragged_slices` lets SLICES threads share a tile, each taking every SLICES-th n.
struct Params { sets: u32, rows: u32, width: u32, rank: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read_write> dkernel: array<f32>;
@group(0) @binding(3) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

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
  if (row >= p.rows) { return; }
  for (var i = 0u; i < TILE_COLS; i++) {
    if (cols[i] < p.rank) { dkernel[row * p.rank + cols[i]] = sum[i]; }
    if (cols[i] == p.rank) { dbias[row] = sum[i]; }
  }
}

fn store(row: u32, cols: vec4u, tile: Tile) {
  for (var i = 0u; i < 4u; i++) {
    store_row(row + i, cols, tile.top[i]);
    store_row(row + 4u + i, cols, tile.bottom[i]);
  }
}

fn product(row: u32, cols: vec4u, slice: u32, slices: u32) -> Tile {
  let top = min(row + STEPS, vec4u(p.rows - 1u)) * p.width;
  let bottom = min(row + 4u + STEPS, vec4u(p.rows - 1u)) * p.width;
  let from_col = min(cols, vec4u(p.rank - 1u));
  var tile: Tile;
  for (var n = slice; n < p.sets * p.width; n += slices) {
    let at = n * p.rank + from_col;
    let v = select(vec4f(h[at.x], h[at.y], h[at.z], h[at.w]), vec4f(1.0), cols >= vec4u(p.rank));
    let from_row = n / p.width * p.rows * p.width + n % p.width;
    let a = from_row + top;
    let b = from_row + bottom;
    tile.top += mat4x4f(v * dy[a.x], v * dy[a.y], v * dy[a.z], v * dy[a.w]);
    tile.bottom += mat4x4f(v * dy[b.x], v * dy[b.y], v * dy[b.z], v * dy[b.w]);
  }
  return tile;
}

// A tile's columns are as far apart as there are threads across, so that neighbours read neighbours
@compute @workgroup_size(ACROSS, DOWN)
fn ragged(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u,
) {
  for (var row = id.y * TILE_ROWS; row < p.rows; row += groups.y * DOWN * TILE_ROWS) {
    for (var col = group.x * ACROSS * TILE_COLS + local.x; col < p.rank + 1u; col += groups.x * ACROSS * TILE_COLS) {
      let cols = col + ACROSS * STEPS;
      store(row, cols, product(row, cols, 0u, 1u));
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
fn ragged_slices(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  for (var row = group.y * TILE_ROWS; row < p.rows; row += groups.y * TILE_ROWS) {
    for (var first = group.x * LANES * TILE_COLS; first < p.rank + 1u; first += groups.x * LANES * TILE_COLS) {
      let col = first + local.x;
      let cols = col + LANES * STEPS;
      var tile: Tile;
      if (col < p.rank + 1u) { tile = product(row, cols, local.z, SLICES); }
      let sum = total(tile, local);
      if (local.z < TILE_ROWS) { store_row(row + local.z, cols, sum); }
    }
  }
}
