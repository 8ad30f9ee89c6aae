import { Cpu, type ExtraExports } from "../../sdk/engine/module.ts";
import { Random } from "../../sdk/random.ts";
import { type Row, type Section, time } from "./section.ts";

/** Sizes as they come: a small labelled image, an icon with alpha, a photograph, and one that keeps its size. */
const UNFURLED = [
  { width: 32, height: 32, channels: 3, size: 16 },
  { width: 64, height: 64, channels: 4, size: 16 },
  { width: 640, height: 480, channels: 3, size: 16 },
  { width: 640, height: 480, channels: 4, size: 16 },
  { width: 28, height: 28, channels: 1, size: 28 },
  { width: 32, height: 32, channels: 3, size: 32 },
] as const;
const FLOOR = 500;
/** What the engine touches beyond an image's end. */
const SPARE = 3;
/** Calls in one timing: a small image takes microseconds. */
const BYTES = 2 ** 22;

/** Bytes of pixels a second, in and out of rows, as the engine does them: nothing is copied to or from JavaScript. */
export const image: Section = {
  title: "Images unfurled and refurled, one core",
  async run() {
    const cpu = await Cpu.openExtra();
    const rows = UNFURLED.map((shape) => unfurlRow(cpu, shape));
    return [...rows, refurlRow(cpu, 16, 3), refurlRow(cpu, 28, 1)];
  },
};

function unfurlRow(
  cpu: Cpu<ExtraExports>,
  { width, height, channels, size }: (typeof UNFURLED)[number],
): Row {
  const mark = cpu.mark();
  const bytes = width * height * channels;
  const planes = channels === 1 ? 1 : 3;
  const from = cpu.alloc(bytes + SPARE);
  const row = cpu.alloc(4 * (planes * size * size + SPARE));
  const look = lookAt(cpu);
  const random = new Random(bytes);
  const pixels = cpu.u8(from, bytes);
  for (let i = 0; i < bytes; i++) pixels[i] = random.bits() & 255;
  const call = () =>
    cpu.exports.image_unfurl(from, width, height, channels, row, size, size, planes, planes, 1, look);
  const kind = ["", "grey", "", "RGB", "RGBA"][channels];
  return measure(cpu, mark, `unfurl ${width}×${height} ${kind} to ${size}×${size}`, bytes, call);
}

function refurlRow(cpu: Cpu<ExtraExports>, size: number, planes: number): Row {
  const mark = cpu.mark();
  const length = size * size * planes;
  const row = cpu.alloc(4 * (length + SPARE));
  const bytes = cpu.alloc(length + SPARE);
  const look = lookAt(cpu);
  const random = new Random(length);
  const values = cpu.f32(row, length);
  for (let i = 0; i < length; i++) values[i] = random.uniform();
  const call = () => cpu.exports.image_refurl(row, bytes, size * size, planes, planes, 1, look);
  return measure(cpu, mark, `refurl ${size}×${size} ${planes === 1 ? "grey" : "RGB"}`, length, call);
}

function measure(cpu: Cpu<ExtraExports>, mark: number, name: string, bytes: number, call: () => void): Row {
  const calls = Math.ceil(BYTES / bytes);
  const { median, min } = time(() => {
    for (let i = 0; i < calls; i++) call();
  });
  cpu.reset(mark);
  const rate = (bytes * calls) / min / 1000;
  const floor = { bound: `≥ ${FLOOR} MB/s`, kept: rate >= FLOOR };
  return { name, engine: "makeit", median: median / calls, min: min / calls, rate: { "MB/s": rate }, floor };
}

/** White, mean 0, sd 1. */
function lookAt(cpu: Cpu<ExtraExports>): number {
  const look = cpu.alloc(9 * 8);
  cpu.f64(look, 9).set([255, 255, 255, 0, 0, 0, 1, 1, 1]);
  return look;
}
