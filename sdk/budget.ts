/** A memory budget: what a run will take, found by a rehearsal that allocates nothing, and how it is made to fit. */
import type { Backend, Step, Tensor } from "./engine/backend.ts";
import { checkCall } from "./engine/check.ts";
import type { KernelCall, KernelName } from "./engine/kernels.ts";
import { Cpu } from "./engine/module.ts";
import { MakeitError } from "./errors.ts";
import { Game } from "./game.ts";
import { matrix } from "./matrix.ts";
import { Random } from "./random.ts";
import { labelSet } from "./score.ts";
import { byteCount, type Settings, sampleCount } from "./settings.ts";
import { memoryOf, type TrainJob } from "./train.ts";

/** What a run has to do with. */
export interface Load {
  /** Training rows at most, their encoded width, and classes. */
  rows: number;
  columns: number;
  classes: number;
  /** The table's own bytes. */
  table: number;
  /** Splits side by side. */
  lanes: number;
}

/** The program with its modules, and each thread's own share of that. */
const PROGRAM = 110 * 2 ** 20;
const THREAD = 40 * 2 ** 20;
/** WebAssembly's addresses end here; what is allocated on the way to the last tensors is not known to the byte. */
const ENGINE_LIMIT = 4 * 2 ** 30 - 2 ** 26;

/**
 * The settings with as many jobs, and if that is not enough as many remembered sets, as the budget allows.
 * @throws MakeitError `input` with the numbers, when even the least does not fit.
 */
export async function within(
  settings: Settings,
  load: Load,
): Promise<{ settings: Settings; sentence: string }> {
  const budget = byteCount(settings.memory);
  const least = Math.max(settings.batchSize, settings.criticBatch);
  const engine = await engineOf(settings, load);
  const needed = (replay: number, lanes: number) =>
    PROGRAM + load.table + lanes * (THREAD + rowsOf(settings, load) + engine(replay));
  let lanes = Math.max(1, load.lanes);
  while (lanes > 1 && needed(settings.replay, lanes) > budget) lanes--;
  const fits = (replay: number) => needed(replay, lanes) <= budget && engine(replay) <= ENGINE_LIMIT;
  let { replay } = settings;
  if (!fits(replay)) {
    // Whole batches, so that the first in stays the first out.
    let [low, high] = [Math.ceil(least / settings.batchSize), Math.floor(replay / settings.batchSize)];
    if (low > high || !fits(low * settings.batchSize)) {
      throw new MakeitError(
        "input",
        `The run needs at least ${megabytes(needed(Math.min(replay, least), 1))}; --memory allows ${megabytes(budget)}: ` +
          `${megabytes(PROGRAM)} for the program, ${megabytes(load.table)} for the table, ${megabytes(THREAD + rowsOf(settings, load))} for a split's rows, ` +
          `${megabytes(engine(Math.min(replay, least)))} for the networks with the smallest memory of sets.`,
        "Allow more, or lower samples, batchSize, criticBatch or the layer widths.",
      );
    }
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fits(middle * settings.batchSize)) low = middle;
      else high = middle - 1;
    }
    replay = low * settings.batchSize;
  }
  const kept = replay === settings.replay ? `${replay}` : `${replay} instead of ${settings.replay}`;
  const sentence =
    `Memory: about ${megabytes(needed(replay, lanes))} of ${megabytes(budget)}: ${lanes} ${lanes === 1 ? "split" : "splits"} at a time, ` +
    `${kept} remembered sets.`;
  return { settings: { ...settings, jobs: lanes, replay }, sentence };
}

/** A split's copy of the table, its rows encoded, and what it scores on. */
function rowsOf({ scoreRows, innerFolds }: Settings, { rows, columns, table }: Load): number {
  const encoded = 4 * rows * columns;
  const scored = 4 * Math.min(scoreRows || rows, rows) * columns * innerFolds;
  const fitted = 8 * Math.min(scoreRows || rows, rows) * (columns + 4);
  return table + 2 * encoded + scored + fitted;
}

/** The engine's bytes by the number of remembered sets: rehearsed for two, and straight between and beyond. */
async function engineOf(settings: Settings, load: Load): Promise<(replay: number) => number> {
  const unit = settings.batchSize;
  const [few, many] = [4 * unit, 8 * unit].map((replay) => Math.max(replay, unit));
  const at = await rehearse({ ...settings, replay: few }, load);
  const slope = ((await rehearse({ ...settings, replay: many }, load)) - at) / (many - few);
  return (replay) => at + Math.max(0, slope) * (replay - few);
}

/** Bytes that a split's networks allocate, until the memory of sets is full. */
export async function rehearse(settings: Settings, { rows, columns, classes }: Load): Promise<number> {
  const ledger = new Ledger();
  // The discriminator holds the rows too: they are counted with a few, and added.
  const few = Math.min(rows, 64);
  const y = Int32Array.from({ length: few }, (_, i) => i % classes);
  const job: TrainJob = { x: matrix(few, columns), y, classes, settings, seed: 1 };
  const samples = sampleCount(settings.samples, rows);
  const memory = await memoryOf(job, samples);
  const opening = { rows: samples, random: new Random(1), memory };
  const game = await Game.open(ledger, await Cpu.open(), job, opening);
  const epochs = settings.criticBatch > 0 ? 2 : Math.ceil(settings.replay / settings.batchSize) + 3;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const { sets } = await game.generate();
    const labelled = sets.map((set) => labelSet(set, samples, columns, classes));
    await game.learn(epoch, labelled, () => 0);
  }
  return ledger.bytes + 4 * (rows - few) * (columns + classes);
}

/** An engine that counts what it is asked for. */
class Ledger implements Backend {
  readonly name = "wasm";
  #allocated = 0;
  #scratch = 0;

  get bytes(): number {
    return this.#allocated + this.#scratch;
  }
  alloc(length: number): Tensor {
    this.#allocated += 4 * length;
    return { length };
  }
  view(_: Tensor, __: number, length: number): Tensor {
    return { length };
  }
  write(): void {}
  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step {
    checkCall(kernel, call);
    // What a product packs while it runs.
    const { inner = 0, cols = 0 } = call as { inner?: number; cols?: number };
    const packed = kernel === "dense_dw" ? 0 : cols * (kernel === "dense" ? Math.min(inner, 1024) : inner);
    this.#scratch = Math.max(this.#scratch, 4 * packed);
    return { kernel };
  }
  submit(): void {}
  async read({ length }: Tensor, out = new Float32Array(length)): Promise<Float32Array> {
    return out.fill(0);
  }
  async times() {
    return [];
  }
  dispose(): void {}
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MB`;
}
