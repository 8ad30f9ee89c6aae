/** What a careful loop of plain JavaScript takes. */
import type { Picture } from "../../sdk/image.ts";
import { openMetric } from "../../sdk/metrics.ts";
import { PlainNewton } from "../newton.ts";
import { fitting, PICTURE, ROW, ranking, unfurling } from "./tables.ts";
import type { Library } from "./task.ts";

export const works: Library = {
  logistic: async () => fitting(new PlainNewton()),
  ranking: async () => ranking(openMetric("roc_auc", 2)),
  unfurl: () => unfurling((pictures) => pictures.map(unfurl)),
};

/** Means of blocks of pixels on white: sizes divide. */
function unfurl({ data }: Picture): Float32Array {
  const size = PICTURE.width / ROW.width;
  const row = new Float32Array(3 * ROW.width * ROW.height);
  for (let y = 0; y < PICTURE.height; y++) {
    for (let x = 0; x < PICTURE.width; x++) {
      const from = 4 * (y * PICTURE.width + x);
      const to = 3 * (Math.floor(y / size) * ROW.width + Math.floor(x / size));
      const alpha = data[from + 3] / 255;
      for (let c = 0; c < 3; c++) row[to + c] += alpha * data[from + c] + (1 - alpha) * 255;
    }
  }
  for (let i = 0; i < row.length; i++) row[i] /= 255 * size * size;
  return row;
}
