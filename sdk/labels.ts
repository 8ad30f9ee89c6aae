import type { Backend, Step, Tensor } from "./engine/backend.ts";
import type { Generator } from "./networks.ts";

/** The generated rows as the networks see them: features, then a smooth label in place of the logits, or none. */
export class LabelViews {
  readonly forward: Step[] = [];
  readonly features: number;
  readonly classes: number;
  readonly #backend: Backend;
  readonly #generator: Generator;
  readonly #views = new Map<number, Tensor>();

  constructor(backend: Backend, generator: Generator, features: number, classes: number) {
    this.#backend = backend;
    this.#generator = generator;
    this.features = features;
    this.classes = classes;
  }

  /** Columns that a visible label takes: one for two classes (tanh), one a class beyond (softmax). */
  get labelWidth(): number {
    return this.classes === 2 ? 1 : this.classes;
  }

  /** (sets · rows, features + labels), filled in by `forward`. */
  view(labels: number): Tensor {
    const known = this.#views.get(labels);
    if (known) return known;
    const call = this.#call(labels);
    const y = this.#backend.alloc(call.rows * (call.features + labels));
    this.forward.push(this.#backend.prepare("soft_label", { x: this.#generator.y, y, ...call }));
    this.#views.set(labels, y);
    return y;
  }

  /** From a view's gradient to the generated rows' gradient, written to `dx`. */
  gradient(labels: number, dy: Tensor, dx: Tensor): Step {
    return this.#backend.prepare("soft_label_grad", { y: this.view(labels), dy, dx, ...this.#call(labels) });
  }

  #call(labels: number) {
    const { sets, rows } = this.#generator.shape;
    return { rows: sets * rows, features: this.features, classes: this.classes, labels };
  }
}
