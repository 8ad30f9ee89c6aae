/** Rows in a plane, to look at: principal components and t-SNE. */
import type { Cpu, ExtraExports } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import type { Matrix } from "./matrix.ts";

export interface PlaneOptions {
  method: "pca" | "tsne";
  /** Seeds the first positions of t-SNE; PCA takes no chances. */
  seed?: number;
  /** t-SNE: how many neighbours a row counts as near; held within (rows − 1) / 3. */
  perplexity?: number;
  /** t-SNE: steps of gradient descent, the first quarter with early exaggeration. */
  iterations?: number;
}

/** One point a row of the input. */
export interface Plane {
  x: number[];
  y: number[];
  /** PCA: the shares of the variance along x and y. */
  explained?: [number, number];
  /** t-SNE: the Kullback–Leibler divergence reached. */
  divergence?: number;
}

const EXAGGERATION = 12;
const BLOCK = 8;
/** The spread of t-SNE's first positions along the first component. */
const START = 1e-4;

/**
 * Places the rows of `x` (rows × features, standardised by the caller) in a plane: by their two principal
 * components, or by exact t-SNE (van der Maaten & Hinton 2008) started from these. The same input gives the same
 * numbers on every machine. Time and memory of t-SNE grow with rows²: sample large tables first.
 * @throws MakeitError (input) when a value is not finite, or there are more than fit into the engine.
 */
export function embedPlane(cpu: Cpu<ExtraExports>, x: Matrix, options: PlaneOptions): Plane {
  const { method, seed = 0, perplexity = 30, iterations = 500 } = options;
  checkFinite(x);
  checkSize(x, method);
  if (x.rows === 0 || x.cols === 0) return { x: Array(x.rows).fill(0), y: Array(x.rows).fill(0) };
  const mark = cpu.mark();
  try {
    const plane = principalPlane(cpu, x);
    if (method === "pca") return plane.result;
    return tsne(cpu, x, plane, { seed, perplexity, iterations });
  } finally {
    cpu.reset(mark);
  }
}

function checkFinite({ data, rows, cols }: Matrix): void {
  const wrong = data.subarray(0, rows * cols).findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return;
  throw inputError(
    `Cannot place rows in a plane: row ${Math.floor(wrong / cols)}, feature ${wrong % cols} is ${data[wrong]}.`,
  );
}

/** The engine addresses 4 GiB: what does not fit is refused here, by name. */
function checkSize({ rows, cols }: Matrix, method: "pca" | "tsne"): void {
  const bytes = 16 * rows * (cols + BLOCK) + (method === "tsne" ? 4 * rows * (rows + 4) : 0);
  if (bytes < 2 ** 31) return;
  throw inputError(
    `Placing ${rows} rows × ${cols} features by ${method} takes ${(bytes / 2 ** 30).toFixed(1)} GiB of 2.`,
    "Sample the rows first: hundreds suffice.",
  );
}

interface Principal {
  result: Plane;
  /** Address of the centred rows (rows, even cols) f64, and the sum of their squares. */
  centred: number;
  total: number;
}

function principalPlane(cpu: Cpu<ExtraExports>, x: Matrix): Principal {
  const { rows, cols } = x;
  const stride = cols + (cols % 2);
  const doubles = (length: number) => cpu.alloc(8 * length);
  const input = cpu.alloc(4 * rows * cols);
  const centred = doubles(rows * stride);
  const [v, w, t] = [doubles(BLOCK * stride), doubles(BLOCK * stride), doubles(BLOCK * rows)];
  const [y, eigenvalues] = [doubles(2 * rows), doubles(2)];
  cpu.f32(input, rows * cols).set(x.data.subarray(0, rows * cols));
  const total = cpu.exports.centre(input, centred, rows, cols);
  cpu.exports.principal_plane(centred, rows, cols, v, w, t, y, eigenvalues);
  const [first, second] = cpu.f64(eigenvalues, 2);
  const share = (value: number) => (total > 0 ? value / total : 0);
  const result: Plane = {
    x: Array.from(cpu.f64(y, rows)),
    y: Array.from(cpu.f64(y + 8 * rows, rows)),
    explained: [share(first), share(second)],
  };
  return { result, centred, total };
}

function tsne(
  cpu: Cpu<ExtraExports>,
  x: Matrix,
  principal: Principal,
  options: { seed: number; perplexity: number; iterations: number },
): Plane {
  const { rows } = x;
  const stride = Math.ceil(rows / 4) * 4;
  const p = affinities(cpu, x, principal, Math.max(1, Math.min(options.perplexity, (rows - 1) / 3)));
  const floats = () => cpu.alloc(8 * stride);
  const [y, velocity, gain, pull, push] = [floats(), floats(), floats(), floats(), floats()];
  cpu.f32(gain, 2 * stride).fill(1);
  start(cpu, y, stride, principal.result, options.seed);
  // Measured on five tables of 214 to 800 rows: the divergence is then within 1 % of scikit-learn's after 500 steps.
  const rate = rows / (2 * EXAGGERATION);
  const early = Math.floor(options.iterations / 4);
  for (let step = 0; step < options.iterations; step++) {
    const [exaggeration, momentum] = step < early ? [EXAGGERATION, 0.5] : [1, 0.8];
    cpu.exports.tsne_step(y, p, velocity, gain, pull, push, rows, exaggeration, rate, momentum);
  }
  const divergence = cpu.exports.tsne_divergence(y, p, rows);
  return { x: Array.from(cpu.f32(y, rows)), y: Array.from(cpu.f32(y + 4 * stride, rows)), divergence };
}

/** The address of p (rows, stride) f32: how much each pair of rows are neighbours. */
function affinities(
  cpu: Cpu<ExtraExports>,
  x: Matrix,
  { centred, total }: Principal,
  perplexity: number,
): number {
  const { rows, cols } = x;
  const width = Math.ceil(cols / 4) * 4;
  const stride = Math.ceil(rows / 4) * 4;
  const z = cpu.alloc(4 * rows * width);
  const p = cpu.alloc(4 * rows * stride);
  // Neighbours do not depend on the scale: unit variance keeps squared distances within f32.
  const scale = total > 0 ? 1 / Math.sqrt(total / rows / cols) : 0;
  const from = cpu.f64(centred, rows * (cols + (cols % 2)));
  const to = cpu.f32(z, rows * width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) to[i * width + j] = from[i * (cols + (cols % 2)) + j] * scale;
  }
  cpu.exports.tsne_affinities(z, p, rows, width, perplexity);
  return p;
}

/** First positions: the principal plane, small, and a little noise that parts equal rows. */
function start(cpu: Cpu<ExtraExports>, y: number, stride: number, plane: Plane, seed: number): void {
  const rows = plane.x.length;
  cpu.exports.normal(y, 2 * stride, 0, START / 100, seed, 0x74736e65, 0);
  const positions = cpu.f32(y, 2 * stride);
  const spread = Math.sqrt(plane.x.reduce((sum, value) => sum + value * value, 0) / rows);
  const scale = spread > 0 ? START / spread : 0;
  for (let i = 0; i < rows; i++) {
    positions[i] += plane.x[i] * scale;
    positions[stride + i] += plane.y[i] * scale;
  }
}
