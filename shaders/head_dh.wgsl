// dh[b, j, k] = Σ_s dy[b, s, j] · kernel[s, k]
//
// Rows of dh are numbered through all sets, n = b · width + j. A thread makes a tile of dhᵀ, 8 ranks k × 4 columns n,
// the columns as far apart as there are threads across, so that neighbours read neighbours.
struct Params { sets: u32, rows: u32, width: u32, rank: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> kernel: array<f32>;
@group(0) @binding(2) var<storage, read_write> dh: array<f32>;
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
  if (row >= p.rank) { return; }
  for (var i = 0u; i < TILE_COLS; i++) {
    if (cols[i] < p.sets * p.width) { dh[cols[i] * p.rank + row] = sum[i]; }
  }
}

fn store(row: u32, cols: vec4u, tile: Tile) {
  for (var i = 0u; i < 4u; i++) {
    store_row(row + i, cols, tile.top[i]);
    store_row(row + 4u + i, cols, tile.bottom[i]);
  }
}

fn product(row: u32, cols: vec4u) -> Tile {
  let top = min(row + STEPS, vec4u(p.rank - 1u));
  let bottom = min(row + 4u + STEPS, vec4u(p.rank - 1u));
  let n = min(cols, vec4u(p.sets * p.width - 1u));
  let from_col = n / p.width * p.rows * p.width + n % p.width;
  var tile: Tile;
  for (var s = 0u; s < p.rows; s++) {
    let at = from_col + s * p.width;
    let v = vec4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]);
    let a = s * p.rank + top;
    let b = s * p.rank + bottom;
    tile.top += mat4x4f(v * kernel[a.x], v * kernel[a.y], v * kernel[a.z], v * kernel[a.w]);
    tile.bottom += mat4x4f(v * kernel[b.x], v * kernel[b.y], v * kernel[b.z], v * kernel[b.w]);
  }
  return tile;
}

@compute @workgroup_size(ACROSS, DOWN)
fn ragged(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u,
) {
  let n = p.sets * p.width;
  for (var row = id.y * TILE_ROWS; row < p.rank; row += groups.y * DOWN * TILE_ROWS) {
    for (var col = group.x * ACROSS * TILE_COLS + local.x; col < n; col += groups.x * ACROSS * TILE_COLS) {
      let cols = col + ACROSS * STEPS;
      store(row, cols, product(row, cols));
    }
  }
}
