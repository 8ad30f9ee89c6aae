// y[b, s, j] = bias[s] + Σ_k kernel[s, k] · h[b, j, k]
//
// Rows of h are numbered through all sets, n = b · width + j: one product, kernel (rows, rank) · hᵀ (rank, sets ·
// width). A thread makes a tile of it, 8 rows s × 4 columns n, the columns as far apart as there are threads across, so
// that neighbours write neighbours.
struct Params { sets: u32, rows: u32, width: u32, rank: u32 }
@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read> kernel: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

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
    let n = cols[i];
    if (n < p.sets * p.width) { y[(n / p.width * p.rows + row) * p.width + n % p.width] = sum[i] + bias[row]; }
  }
}

fn store(row: u32, cols: vec4u, tile: Tile) {
  for (var i = 0u; i < 4u; i++) {
    store_row(row + i, cols, tile.top[i]);
    store_row(row + 4u + i, cols, tile.bottom[i]);
  }
}

// Where four rows of the kernel begin, the last one again beyond the end
fn rows_from(row: u32) -> vec4u {
  return min(row + STEPS, vec4u(p.rows - 1u)) * p.rank;
}

fn product(row: u32, cols: vec4u) -> Tile {
  let top = rows_from(row);
  let bottom = rows_from(row + 4u);
  let at = min(cols, vec4u(p.sets * p.width - 1u)) * p.rank;
  var tile: Tile;
  for (var k = 0u; k < p.rank; k++) {
    let v = vec4f(h[at.x + k], h[at.y + k], h[at.z + k], h[at.w + k]);
    tile.top += mat4x4f(v * kernel[top.x + k], v * kernel[top.y + k], v * kernel[top.z + k], v * kernel[top.w + k]);
    tile.bottom += mat4x4f(
      v * kernel[bottom.x + k], v * kernel[bottom.y + k], v * kernel[bottom.z + k], v * kernel[bottom.w + k],
    );
  }
  return tile;
}

@compute @workgroup_size(ACROSS, DOWN)
fn ragged(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u,
) {
  let n = p.sets * p.width;
  for (var row = id.y * TILE_ROWS; row < p.rows; row += groups.y * DOWN * TILE_ROWS) {
    for (var col = group.x * ACROSS * TILE_COLS + local.x; col < n; col += groups.x * ACROSS * TILE_COLS) {
      let cols = col + ACROSS * STEPS;
      store(row, cols, product(row, cols));
    }
  }
}
