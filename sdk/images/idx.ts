/** IDX, the format of MNIST and its kin, and the binary form of CIFAR-10: images and labels as plain bytes. */
import { inputError } from "../errors.ts";
import type { Picture } from "../image.ts";
import { openBytes } from "../table/bytes.ts";
import { type ImageSet, itemsOf } from "./set.ts";

/** More bytes than this do not become a table. */
const MOST = 2 ** 31;

interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Whether bytes (unpacked) start as an IDX file of bytes does. */
export function isIdx(head: Uint8Array): boolean {
  return head[0] === 0 && head[1] === 0 && head[2] === 8 && head[3] >= 1 && head[3] <= 4;
}

/** The images of one IDX file (count, height, width or with channels) with the labels of another. */
export async function readIdx(
  images: { name: string; bytes: Uint8Array },
  labels: { name: string; bytes: Uint8Array },
): Promise<ImageSet> {
  const { shape, data } = await idx(images);
  const tags = await idx(labels);
  const [count, height, width, channels = 1] = shape;
  if (shape.length < 3 || ![1, 3, 4].includes(channels)) {
    throw inputError(
      `${images.name} holds an array of ${shape.join(" × ")}, expected images: count × height × width (× channels).`,
      "Name the file of images; that of labels is found beside it.",
    );
  }
  if (tags.shape.length !== 1 || tags.shape[0] !== count) {
    throw inputError(
      `${labels.name} holds an array of ${tags.shape.join(" × ")}, expected ${count} labels.`,
      "Take the labels that belong to these images.",
    );
  }
  const size = width * height * channels;
  return {
    count,
    grey: channels === 1,
    warnings: [],
    items: itemsOf(count, (i) => ({
      name: `${images.name}, image ${i + 1}`,
      label: String(tags.data[i]),
      picture: (): Picture => ({ width, height, data: data.subarray(i * size, (i + 1) * size) }),
    })),
  };
}

/** Magic 0 0 8 n, n sizes, bytes; packed with gzip or not. It is unpacked no further than it says it is long. */
async function idx({ name, bytes }: { name: string; bytes: Uint8Array }): Promise<Idx> {
  const { head, chunks } = await openBytes(bytes, name);
  const rank = head[3];
  if (!isIdx(head) || head.length < 4 + 4 * rank) {
    throw inputError(
      `${name} is no IDX file of bytes.`,
      "Give files such as train-images-idx3-ubyte and train-labels-idx1-ubyte, .gz or not.",
    );
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const start = 4 + 4 * rank;
  const length = shape.reduce((product, size) => product * size, 1);
  if (length < 1 || length > MOST) {
    throw inputError(
      `${name} says it holds ${shape.join(" × ")} bytes, expected 1 to ${MOST}.`,
      "Check the file.",
    );
  }
  const parts: Uint8Array[] = [];
  let got = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    got += chunk.length;
    if (got > start + length) break;
  }
  if (got !== start + length) {
    const found = got > start + length ? "more" : String(got - start);
    throw inputError(
      `${name} says it holds ${shape.join(" × ")} = ${length} bytes and holds ${found}.`,
      "It was cut short or damaged on the way: fetch it again.",
    );
  }
  const whole = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  return { shape, data: whole.subarray(start) };
}

const SIDE = 32;
const PLANE = SIDE * SIDE;
const RECORD = 1 + 3 * PLANE;

/** Whether a file may be one of CIFAR-10's: records of a label below 10 and 3 × 32 × 32 bytes. */
export function isCifar(bytes: Uint8Array): boolean {
  if (bytes.length === 0 || bytes.length % RECORD !== 0) return false;
  for (let at = 0; at < bytes.length; at += RECORD) if (bytes[at] > 9) return false;
  return true;
}

/** CIFAR-10's batches. @param classes their names, one a label; the label itself where there is none. */
export function readCifar(
  batches: readonly { name: string; bytes: Uint8Array }[],
  classes: readonly string[] = [],
): ImageSet {
  const wrong = batches.find(({ bytes }) => !isCifar(bytes));
  if (wrong) {
    throw inputError(
      `${wrong.name} (${wrong.bytes.length} bytes) is no batch of CIFAR-10, expected records of ${RECORD} bytes.`,
      "Give the binary version (data_batch_1.bin …), whole.",
    );
  }
  const items = batches.flatMap(({ name, bytes }) =>
    Array.from({ length: bytes.length / RECORD }, (_, i) => ({
      name: `${name}, image ${i + 1}`,
      label: classes[bytes[i * RECORD]] ?? String(bytes[i * RECORD]),
      picture: () => ({ width: SIDE, height: SIDE, data: interleaved(bytes.subarray(i * RECORD + 1)) }),
    })),
  );
  return { count: items.length, grey: false, warnings: [], items };
}

function interleaved(planes: Uint8Array): Uint8Array {
  const data = new Uint8Array(3 * PLANE);
  for (let i = 0; i < PLANE; i++) for (let c = 0; c < 3; c++) data[3 * i + c] = planes[c * PLANE + i];
  return data;
}
