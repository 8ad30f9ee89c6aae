// dx (rows, inner) = dy (rows, cols) · wᵀ (cols, inner)
//
// A thread makes a tile of dx, 8 rows × 4 columns, the columns as far apart as there are threads across, so that
// neighbours write neighbours. `aligned` needs cols to be a multiple of 4 and reads four numbers at once.
struct Params { rows: u32, inner: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(0) var<storage, read> dy4: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read> w4: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

// rows and columns of a tile; threads across and down a workgroup, a tile each
const TILE_ROWS = 8u;
const TILE_COLS = 4u;
const ACROSS = 16u;
const DOWN = 4u;

const STEPS = vec4u(0u, 1u, 2u, 3u);

// One vector a row: the first four rows, the other four
struct Tile { top: mat4x4f, bottom: mat4x4f }

fn store_row(row: u32, cols: vec4u, sum: vec4f) {
  if (row >= p.rows) { return; }
  for (var i = 0u; i < TILE_COLS; i++) {
    if (cols[i] < p.inner) { dx[row * p.inner + cols[i]] = sum[i]; }
  }
}

fn store(row: u32, cols: vec4u, tile: Tile) {
  for (var i = 0u; i < 4u; i++) {
    store_row(row + i, cols, tile.top[i]);
    store_row(row + 4u + i, cols, tile.bottom[i]);
  }
}

// Where four rows of dy begin, the last one again beyond the end
fn rows_from(row: u32) -> vec4u {
  return min(row + STEPS, vec4u(p.rows - 1u)) * p.cols;
}

fn aligned_tile(row: u32, cols: vec4u) -> Tile {
  let top = rows_from(row) / 4u;
  let bottom = rows_from(row + 4u) / 4u;
  let pitch = p.cols / 4u;
  let at = min(cols, vec4u(p.inner - 1u)) * pitch;
  var tile: Tile;
  for (var j = 0u; j < pitch; j++) {
    let m = transpose(mat4x4f(w4[at.x + j], w4[at.y + j], w4[at.z + j], w4[at.w + j]));
    tile.top += m * mat4x4f(dy4[top.x + j], dy4[top.y + j], dy4[top.z + j], dy4[top.w + j]);
    tile.bottom += m * mat4x4f(dy4[bottom.x + j], dy4[bottom.y + j], dy4[bottom.z + j], dy4[bottom.w + j]);
  }
  return tile;
}

fn ragged_tile(row: u32, cols: vec4u) -> Tile {
  let top = rows_from(row);
  let bottom = rows_from(row + 4u);
  let at = min(cols, vec4u(p.inner - 1u)) * p.cols;
  var tile: Tile;
  for (var j = 0u; j < p.cols; j++) {
    let v = vec4f(w[at.x + j], w[at.y + j], w[at.z + j], w[at.w + j]);
    tile.top += mat4x4f(v * dy[top.x + j], v * dy[top.y + j], v * dy[top.z + j], v * dy[top.w + j]);
    tile.bottom += mat4x4f(v * dy[bottom.x + j], v * dy[bottom.y + j], v * dy[bottom.z + j], v * dy[bottom.w + j]);
  }
  return tile;
}

@compute @workgroup_size(ACROSS, DOWN)
fn aligned(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u,
) {
  for (var row = id.y * TILE_ROWS; row < p.rows; row += groups.y * DOWN * TILE_ROWS) {
    for (var col = group.x * ACROSS * TILE_COLS + local.x; col < p.inner; col += groups.x * ACROSS * TILE_COLS) {
      let cols = col + ACROSS * STEPS;
      store(row, cols, aligned_tile(row, cols));
    }
  }
}

@compute @workgroup_size(ACROSS, DOWN)
fn ragged(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u,
) {
  for (var row = id.y * TILE_ROWS; row < p.rows; row += groups.y * DOWN * TILE_ROWS) {
    for (var col = group.x * ACROSS * TILE_COLS + local.x; col < p.inner; col += groups.x * ACROSS * TILE_COLS) {
      let cols = col + ACROSS * STEPS;
      store(row, cols, ragged_tile(row, cols));
    }
  }
}
