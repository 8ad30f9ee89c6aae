/** What every tenth epoch is asked about the networks' health. */

/** 1 for each column of (rows, units) that holds anything but 0. */
export function activeUnits(values: Float32Array, units: number): Uint8Array {
  const active = new Uint8Array(units);
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) active[i % units] = 1;
  return active;
}

/** √(variance between the sets at one place / variance over all rows), mean over the columns of (sets, rows, width). */
export function diversityOf(
  values: Float32Array,
  { sets, rows, width }: { sets: number; rows: number; width: number },
): number {
  let sum = 0;
  for (let j = 0; j < width; j++) {
    let [all, squares, within] = [0, 0, 0];
    for (let s = 0; s < rows; s++) {
      let [place, placeSquares] = [0, 0];
      for (let b = 0; b < sets; b++) {
        const value = values[(b * rows + s) * width + j];
        place += value;
        placeSquares += value * value;
      }
      within += placeSquares - (place * place) / sets;
      all += place;
      squares += placeSquares;
    }
    const total = squares - (all * all) / (sets * rows);
    if (total > 0) sum += Math.sqrt(Math.min(1, Math.max(0, within / total)));
  }
  return sum / width;
}
