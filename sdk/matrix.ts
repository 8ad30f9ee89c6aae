/** A dense row-major matrix: `data[row * cols + col]`, f32. */
export interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly cols: number;
}

/** A zeroed matrix. */
export function matrix(rows: number, cols: number): Matrix {
  return { data: new Float32Array(rows * cols), rows, cols };
}

/** The given rows of `x`, in that order, as a new matrix. */
export function takeRows(x: Matrix, rows: ArrayLike<number>): Matrix {
  const out = matrix(rows.length, x.cols);
  for (let i = 0; i < rows.length; i++) {
    out.data.set(x.data.subarray(rows[i] * x.cols, (rows[i] + 1) * x.cols), i * x.cols);
  }
  return out;
}

/** `a` above `b`; both have the same columns. */
export function stackRows(a: Matrix, b: Matrix): Matrix {
  const out = matrix(a.rows + b.rows, a.cols);
  out.data.set(a.data);
  out.data.set(b.data, a.data.length);
  return out;
}
