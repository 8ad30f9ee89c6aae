/** Where the sides of a work run: Node processes, pages, programs. */
import { Browser } from "./browser.ts";
import type { Starts } from "./measure.ts";
import { Native } from "./native.ts";
import { NodeSide, PageSide } from "./sides.ts";
import { type Floor, NUMPY, PEAK, type Variant, type Work } from "./works.ts";

/** The sides of one row of the table. */
export interface Contest {
  title: string;
  sides: Starts;
  /** Floors hold in Node, where one thread is one thread. */
  floors: readonly Floor[];
  variants: readonly Variant[];
}

export class Places {
  readonly #browser: Browser | undefined;
  readonly #native: Native;
  readonly #gpu: string | undefined;
  /** What cannot take part, a sentence each. */
  readonly missing: readonly string[];

  private constructor(browser: Browser | string, native: Native, gpu: string | undefined) {
    this.#browser = typeof browser === "string" ? undefined : browser;
    this.#native = native;
    this.#gpu = gpu;
    this.missing = [
      ...native.missing,
      ...(typeof browser === "string" ? [`No pages: ${browser}`] : []),
      ...(gpu
        ? []
        : ["No tfjs webgpu: pages see no GPU, or software in its place, whose times would say nothing."]),
    ];
  }

  static async open(pages: boolean): Promise<Places> {
    const native = await Native.open();
    const browser = pages ? await Browser.start() : "they were not asked for.";
    return new Places(browser, native, typeof browser === "string" ? undefined : await browser.gpu());
  }

  get browserVersion(): string | undefined {
    return this.#browser?.version;
  }

  contests(work: Work): Contest[] {
    return [this.#inNode(work), ...(this.#browser && work.page ? [this.#inPages(work, this.#browser)] : [])];
  }

  async close(): Promise<void> {
    this.#native.close();
    await this.#browser?.close();
  }

  #inNode({ name, title, node, numpy, flops, floors = [], variants = [] }: Work): Contest {
    const sides: Starts = {};
    const ours = ["makeit", ...variants.map(({ side }) => side)];
    for (const library of [...ours, ...node]) sides[library] = () => new NodeSide(library, name);
    if (numpy && this.#native.python) sides[NUMPY] = () => this.#native.numpy(name);
    if (flops && this.#native.peak) sides[PEAK] = () => this.#native.atPeak(flops);
    return { title, sides, floors, variants };
  }

  #inPages({ name, title, page = [] }: Work, browser: Browser): Contest {
    const sides: Starts = {};
    const libraries = ["makeit", ...page, ...(this.#gpu ? ["tfjs webgpu"] : [])];
    for (const library of libraries) sides[library] = () => new PageSide(browser, library, name);
    return { title: `${title}, Chromium`, sides, floors: [], variants: [] };
  }
}
