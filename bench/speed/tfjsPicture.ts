/** Unfurling in TensorFlow.js: composite on white, average over blocks. */
import type { Picture } from "../../sdk/image.ts";
import { PICTURE, ROW, unfurling } from "./tables.ts";
import type { Library } from "./task.ts";
import type { Tf } from "./tf.ts";

export function works(tf: Tf): Library {
  const size = PICTURE.width / ROW.width;
  const unfurl = ({ width, height, data }: Picture) =>
    tf.tidy(() => {
      const pixels = tf.tensor(new Float32Array(data), [height, width, 4]);
      const colours = tf.slice(pixels, [0, 0, 0], [height, width, 3]);
      const alpha = tf.div(tf.slice(pixels, [0, 0, 3], [height, width, 1]), 255);
      const white = tf.mul(tf.sub(1, alpha), 255);
      const opaque = tf.div(tf.add(tf.mul(colours, alpha), white), 255);
      return tf.avgPool(opaque, [size, size], [size, size], "valid");
    });
  return {
    unfurl: () =>
      unfurling((pictures) =>
        Promise.all(
          pictures.map(async (picture) => {
            const row = unfurl(picture);
            const data = await row.data();
            row.dispose();
            return data;
          }),
        ),
      ),
  };
}
