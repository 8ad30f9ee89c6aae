/**
 * The critic's memory in factors. The sets of an epoch share the generator's kernel and bias, so that
 * `set[b, s, j] = bias[s] + Σ_k kernel[s, k] · h[b, j, k]` is all there is to know of them: (h) a set, (kernel, bias) an
 * epoch. The flat critic's first layer works on these alone, with r · W numbers a set instead of S · W:
 *
 *     z[b] = Σ_jk h[b, j, k] · G[k, j] + P,  G[k, j] = Σ_s kernel[s, k] · w[s, j],  P = b + Σ_s bias[s] · Σ_j w[s, j]
 *     dw[s, j] = Σ_k kernel[s, k] · T[k, j] + bias[s] · D,  T[k, j] = Σ_b h[b, j, k] · dz[b],  D = Σ_b dz[b]
 *
 * with G and T a product each over all epochs' kernels. Slot i holds set i mod B of epoch i / B: first in, first out.
 */
import { type Backend, canBeLost, type Step, type Tensor, VIEW_ALIGNMENT } from "./engine/backend.ts";
import { ACTIVATION } from "./engine/kernels.ts";
import type { FirstLayer, Generator, GeneratorShape } from "./networks.ts";
import type { Batch, Memory, ReplayState } from "./replay.ts";
import type { Settings } from "./settings.ts";

/** An index outside of every tensor: `scatter` leaves it out. */
const NOWHERE = 2 ** 23;

type Source = Pick<Generator, "shape" | "h"> & { parameters: Pick<Generator["parameters"], "w"> };

/**
 * Whether factors can stand for the sets and take less work: whole epochs in order, all of them in every step, fewer
 * columns in the kernel than sets in an epoch.
 */
export function factorable(settings: Settings, { sets, rows, width, rank }: GeneratorShape): boolean {
  const { critic, criticBatch, criticWidth, replay, replayPolicy } = settings;
  const capacity = Math.max(replay, sets);
  return (
    critic === "flat" &&
    criticBatch === 0 &&
    replayPolicy === "fifo" &&
    capacity % sets === 0 &&
    criticWidth % VIEW_ALIGNMENT === 0 &&
    rank < sets &&
    Math.max(rows * rank, sets * width * rank, capacity) < NOWHERE
  );
}

export class Factors implements Memory {
  readonly capacity: number;
  readonly scores: Tensor;
  readonly store: readonly Step[];
  readonly #backend: Backend;
  readonly #source: Source;
  readonly #cols: number;
  /** (epochs, rank, rows). */
  readonly #kernels: Part;
  /** (epochs, rows), times the width. */
  readonly #biases: Part;
  /** (epochs, sets, rank, width), each epoch padded to where a view may begin. */
  readonly #h: Part;
  /** Where the epoch goes among the epochs. */
  readonly #slot: Tensor;
  /** The slot of each set of a batch; where a set stands for the first time, and again. */
  readonly #slots: Tensor;
  readonly #firsts: Tensor;
  readonly #repeats: Tensor;
  readonly #hostScores: Float32Array;
  /** The factors on the host too, where the engine can be lost. */
  readonly #mirror: Float32Array[] | undefined;
  #seen = 0;
  /** The slot of the epoch's first set. */
  #newest = 0;

  /** @param cols width of the critic's first layer. */
  constructor(backend: Backend, source: Source, capacity: number, cols: number) {
    const { sets, rows, width, rank } = source.shape;
    const epochs = capacity / sets;
    this.capacity = capacity;
    this.#backend = backend;
    this.#source = source;
    this.#cols = cols;
    this.scores = backend.alloc(capacity);
    this.#hostScores = new Float32Array(capacity);
    if (canBeLost(backend)) this.#mirror = [];
    this.#slot = backend.alloc(1);
    this.#slots = backend.alloc(capacity);
    this.#firsts = backend.alloc(capacity);
    this.#repeats = backend.alloc(capacity);
    this.#kernels = new Part(backend, epochs, rank * rows);
    this.#biases = new Part(backend, epochs, rows);
    this.#h = new Part(backend, epochs, pad(sets * rank * width));
    const { parameters, h } = source;
    const scaled = { x: parameters.w("bias"), w: constant(backend, width), b: backend.alloc(1) };
    const size = { rows, inner: 1, cols: 1, activation: ACTIVATION.none };
    this.store = [
      transpose(backend, parameters.w("kernel"), this.#kernels.fresh, { count: 1, rows, cols: rank }),
      backend.prepare("dense", { ...scaled, y: this.#biases.fresh, ...size }),
      transpose(backend, h, backend.view(this.#h.fresh, 0, h.length), {
        count: sets,
        rows: width,
        cols: rank,
      }),
      ...this.#parts.map((part) => part.store(this.#slot)),
    ];
  }

  get #parts(): readonly Part[] {
    return [this.#kernels, this.#biases, this.#h];
  }

  get size(): number {
    return Math.min(this.#seen, this.capacity);
  }

  remember(count: number): Float32Array {
    this.#newest = this.#seen % this.capacity;
    this.#seen += count;
    this.#backend.write(this.#slot, Float32Array.of(this.#newest / count));
    this.#writeHost();
    return Float32Array.from({ length: count }, (_, i) => this.#newest + i);
  }

  note(i: number, score: number): void {
    this.#hostScores[this.#newest + i] = score;
    this.#backend.write(this.scores, this.#hostScores);
  }

  #writeHost(): void {
    const { size, capacity } = this;
    this.#backend.write(this.scores, this.#hostScores);
    const places = (place: (i: number) => number) =>
      Float32Array.from({ length: capacity }, (_, i) => place(i));
    const within = (i: number) => (i >= 0 && i < size ? i : NOWHERE);
    this.#backend.write(
      this.#slots,
      places((i) => i % size),
    );
    this.#backend.write(this.#firsts, places(within));
    this.#backend.write(
      this.#repeats,
      places((i) => within(i - size)),
    );
  }

  /** Batches are the slots in their order, and from the first again after the last that holds a set. */
  batch(count: number, whole: boolean): Batch {
    const { sets, rows, width, rank } = this.#source.shape;
    const [backend, cols] = [this.#backend, this.#cols];
    const epochs = Math.ceil(count / sets);
    const [kernels, biases] = [this.#kernels.first(epochs), this.#biases.first(epochs)];
    const inner = rank * width;
    const h = this.#h.each(epochs, sets * inner);
    const each = (tensor: Tensor) => {
      const length = tensor.length / epochs;
      return h.map((_, e) => backend.view(tensor, e * length, length));
    };
    const [summed, shifts] = [backend.alloc(rows * cols), backend.alloc(epochs * cols)];
    const projected = backend.alloc(epochs * inner * cols);
    const product = { rows: epochs * rank, inner: rows, cols: width * cols };
    const shift = { rows: epochs, inner: rows, cols };
    const group = { rows: sets, inner, cols };
    const columns = { sets: rows, rows: width, cols };
    const [g, p] = [each(projected), each(shifts)];

    const forward: FirstLayer["forward"] = (w, b, y, activation) => {
      const all = whole ? y : backend.alloc(epochs * sets * cols);
      const z = each(all);
      const [zero, none] = [backend.alloc(product.cols), ACTIVATION.none];
      return [
        backend.prepare("row_mean", { x: w, y: summed, ...columns }),
        backend.prepare("dense", { x: biases, w: summed, b, y: shifts, ...shift, activation: none }),
        backend.prepare("dense", { x: kernels, w, b: zero, y: projected, ...product, activation: none }),
        ...h.map((x, e) => backend.prepare("dense", { x, w: g[e], b: p[e], y: z[e], ...group, activation })),
        ...(whole ? [] : [this.#gather(all, y, count)]),
      ];
    };
    const backward: FirstLayer["backward"] = (dy, dw) => {
      const all = whole ? dy : backend.alloc(epochs * sets * cols);
      const dz = each(all);
      const spread = backend.alloc(dw.length);
      return [
        ...(whole ? [] : this.#spread(dy, all, count)),
        ...h.map((x, e) => backend.prepare("dense_dw", { x, dy: dz[e], dw: g[e], ...group })),
        backend.prepare("dense_dw", { x: kernels, dy: projected, dw, ...product }),
        // D over the sets of an epoch, bias · D, and that over the columns: means, as the biases are times the width.
        backend.prepare("row_mean", { x: all, y: shifts, sets: epochs, rows: sets, cols }),
        backend.prepare("dense_dw", { x: biases, dy: shifts, dw: summed, ...shift }),
        backend.prepare("row_mean_grad", { dy: summed, dx: spread, ...columns }),
        backend.prepare("add", { x: spread, y: dw, length: dw.length, scale: sets }),
      ];
    };
    return { input: { first: { forward, backward } }, draw: () => [] };
  }

  /** The batch's rows from those of all slots. */
  #gather(all: Tensor, y: Tensor, count: number): Step {
    const slots = all.length / this.#cols;
    const index = this.#backend.view(this.#slots, 0, count);
    return this.#backend.prepare("gather", { x: all, index, y, slots, count, length: this.#cols, first: 0 });
  }

  /** The gradients of all slots from those of a batch, in which a slot stands once or twice. */
  #spread(dy: Tensor, all: Tensor, count: number): Step[] {
    const backend = this.#backend;
    const again = backend.alloc(all.length);
    const call = { slots: all.length / this.#cols, count, length: this.#cols, first: 0 };
    const zero = { x: backend.alloc(all.length), index: backend.alloc(1), y: again };
    return [
      backend.prepare("scatter", { x: dy, index: backend.view(this.#firsts, 0, count), y: all, ...call }),
      backend.prepare("gather", { ...zero, slots: 1, count: 1, length: all.length, first: 0 }),
      backend.prepare("scatter", { x: dy, index: backend.view(this.#repeats, 0, count), y: again, ...call }),
      backend.prepare("add", { x: again, y: all, length: all.length, scale: 1 }),
    ];
  }

  async state(): Promise<ReplayState> {
    const [scores, seen] = [this.#hostScores.slice(), this.#seen];
    const { sets } = this.#source.shape;
    const epochs = this.size / sets;
    const mirror = this.#mirror;
    const read = (of: "all" | "fresh") =>
      Promise.all(this.#parts.map((part) => this.#backend.read(part[of])));
    if (!mirror) {
      const all = await read("all");
      return { sets: Array.from({ length: epochs }, (_, e) => this.#join(all, e)), scores, seen };
    }
    mirror[(seen / sets - 1) % (this.capacity / sets)] = this.#join(await read("fresh"), 0);
    return { sets: mirror.slice(0, epochs), scores, seen };
  }

  restore({ sets, scores, seen }: ReplayState): void {
    const all = this.#parts.map((part) => new Float32Array(part.all.length));
    sets.forEach((epoch, e) => {
      let from = 0;
      this.#parts.forEach(({ fresh: { length } }, i) => {
        all[i].set(epoch.subarray(from, from + length), e * length);
        from += length;
      });
      if (this.#mirror) this.#mirror[e] = epoch;
    });
    for (const [i, part] of this.#parts.entries()) this.#backend.write(part.all, all[i]);
    this.#hostScores.set(scores);
    this.#seen = seen;
    this.#writeHost();
  }

  /** One epoch's parts, one after the other. */
  #join(parts: Float32Array[], epoch: number): Float32Array {
    const lengths = this.#parts.map(({ fresh }) => fresh.length);
    const joined = new Float32Array(lengths.reduce((sum, length) => sum + length));
    let at = 0;
    parts.forEach((part, i) => {
      joined.set(part.subarray(epoch * lengths[i], (epoch + 1) * lengths[i]), at);
      at += lengths[i];
    });
    return joined;
  }
}

/** One kind of factor: of the last epoch, and of all epochs. */
class Part {
  readonly fresh: Tensor;
  readonly all: Tensor;
  readonly #backend: Backend;
  readonly #epochs: number;

  constructor(backend: Backend, epochs: number, length: number) {
    this.#backend = backend;
    this.#epochs = epochs;
    this.fresh = backend.alloc(length);
    this.all = backend.alloc(epochs * length);
  }

  /** Copies `fresh` to the epoch of this number. */
  store(index: Tensor): Step {
    const call = { slots: this.#epochs, count: 1, length: this.fresh.length, first: 0 };
    return this.#backend.prepare("scatter", { x: this.fresh, index, y: this.all, ...call });
  }

  first(epochs: number): Tensor {
    return this.#backend.view(this.all, 0, epochs * this.fresh.length);
  }

  /** Each epoch's own numbers, `length` without what pads them. */
  each(epochs: number, length: number): Tensor[] {
    return Array.from({ length: epochs }, (_, e) =>
      this.#backend.view(this.all, e * this.fresh.length, length),
    );
  }
}

function pad(length: number): number {
  return Math.ceil(length / VIEW_ALIGNMENT) * VIEW_ALIGNMENT;
}

function constant(backend: Backend, value: number): Tensor {
  const tensor = backend.alloc(1);
  backend.write(tensor, Float32Array.of(value));
  return tensor;
}

/** y (count, cols, rows) = x (count, rows, cols) transposed, number by number: once an epoch, for a few thousand. */
function transpose(
  backend: Backend,
  x: Tensor,
  y: Tensor,
  { count, rows, cols }: { count: number; rows: number; cols: number },
): Step {
  const index = backend.alloc(x.length);
  const from = (to: number) => {
    const [set, place] = [Math.floor(to / (rows * cols)), to % (rows * cols)];
    return set * rows * cols + (place % rows) * cols + Math.floor(place / rows);
  };
  backend.write(
    index,
    Float32Array.from({ length: count * rows * cols }, (_, to) => from(to)),
  );
  const call = { slots: x.length, count: x.length, length: 1, first: 0 };
  return backend.prepare("gather", { x, index, y, ...call });
}
