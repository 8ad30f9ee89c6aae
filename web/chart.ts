/** The live chart: each split's mean score by epoch, and the best so far. It never changes its size. */
import { nice, ticks } from "d3-array";
import { h, s } from "./dom.ts";

/** Points of a line, at most: more than pixels help nobody. */
const POINTS = 400;
const COLORS = 8;

interface Track {
  mean: number[];
  best: number[];
  meanPath: SVGPathElement;
  bestPath: SVGPathElement;
}

export class LiveChart {
  readonly #svg = s("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  readonly #grid = s("g", { class: "grid" });
  readonly #rows = h("div", { class: "y-ticks", "aria-hidden": "true" });
  readonly #columns = h("div", { class: "x-ticks", "aria-hidden": "true" });
  readonly #title = h("p", { class: "chart-title" });
  readonly #tracks = new Map<number, Track>();
  readonly #changed = new Set<number>();
  #epochs = 1;
  #range: [number, number] = [0, 1];
  #seen: [number, number] = [Infinity, -Infinity];
  #due = false;

  constructor(place: HTMLElement) {
    this.#svg.append(this.#grid);
    const key = h(
      "p",
      { class: "key", "aria-hidden": "true" },
      h("span", { class: "mean" }, "mean of an epoch"),
      h("span", { class: "best" }, "best so far"),
    );
    place.append(
      h("div", { class: "chart-head" }, this.#title, key),
      h("div", { class: "plot" }, this.#rows, this.#svg),
      this.#columns,
    );
  }

  /** An empty chart for a new run. */
  start(title: string, epochs: number): void {
    this.#title.textContent = title;
    this.#epochs = Math.max(2, epochs);
    this.#tracks.clear();
    this.#seen = [Infinity, -Infinity];
    this.#range = [0, 1];
    this.#svg.replaceChildren(this.#grid);
    const share = (epoch: number) => (epoch - 1) / (this.#epochs - 1);
    // The first and the last stand at the ends; what would touch them is left out.
    const inner = ticks(1, this.#epochs, 4).filter((epoch) => share(epoch) > 0.16 && share(epoch) < 0.9);
    this.#columns.replaceChildren(
      ...[1, ...inner.filter(Number.isInteger), this.#epochs].map((epoch) =>
        at(h("span", {}, epoch === 1 ? "epoch 1" : epoch), "left", `${100 * share(epoch)}%`),
      ),
    );
    this.#drawGrid();
  }

  add(split: number, epoch: number, mean: number, best: number): void {
    const track = this.#tracks.get(split) ?? this.#begin(split);
    track.mean[epoch - 1] = mean;
    track.best[epoch - 1] = best;
    this.#seen = [Math.min(this.#seen[0], mean, best), Math.max(this.#seen[1], mean, best)];
    this.#changed.add(split);
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => this.#draw(), 100); // not more often than the eye follows; goes on in a hidden tab
  }

  #begin(split: number): Track {
    const color = `c${split % COLORS}`;
    const line = (name: string) =>
      s("path", { class: `${name} ${color}`, "vector-effect": "non-scaling-stroke" });
    const track = { mean: [], best: [], meanPath: line("mean"), bestPath: line("best") };
    this.#svg.append(track.bestPath, track.meanPath);
    this.#tracks.set(split, track);
    return track;
  }

  #draw(): void {
    this.#due = false;
    const [low, high] = this.#seen;
    const [from, to] = this.#range;
    // The range follows what is there; scores from 0 to 1 stay within.
    const room = 0.1 * (high - low) + 0.01;
    const [least, most] = [low >= 0 ? 0 : -Infinity, high <= 1 ? 1 : Infinity];
    const wanted = nice(Math.max(least, low - room), Math.min(most, high + room), 4);
    if (wanted[0] !== from || wanted[1] !== to) {
      this.#range = wanted as [number, number];
      this.#drawGrid();
      for (const split of this.#tracks.keys()) this.#changed.add(split);
    }
    for (const split of this.#changed) {
      const track = this.#tracks.get(split)!;
      track.meanPath.setAttribute("d", this.#path(track.mean));
      track.bestPath.setAttribute("d", this.#path(track.best));
    }
    this.#changed.clear();
  }

  #y(value: number): number {
    const [low, high] = this.#range;
    return Math.round((10_000 * (high - value)) / (high - low)) / 100;
  }

  #path(values: number[]): string {
    const step = Math.max(1, Math.ceil(values.length / POINTS));
    let path = "";
    for (let i = 0; i < values.length; i += step) {
      const last = Math.min(values.length - 1, i + step - 1);
      if (!Number.isFinite(values[last])) continue;
      const x = Math.round((100_000 * last) / (this.#epochs - 1)) / 100;
      path += `${path ? "L" : "M"}${x} ${this.#y(values[last])}`;
    }
    // A single point is a short dash, so that it is seen.
    return path.includes("L") || path === "" ? path : `${path}h4`;
  }

  #drawGrid(): void {
    const marks = ticks(...this.#range, 4);
    const decimals = Math.max(
      1,
      ...marks.map((mark) => (String(+mark.toFixed(6)).split(".")[1] ?? "").length),
    );
    this.#grid.replaceChildren(
      ...marks.map((mark) =>
        s("path", { d: `M0 ${this.#y(mark)}h1000`, "vector-effect": "non-scaling-stroke" }),
      ),
    );
    this.#rows.replaceChildren(
      ...marks.map((mark) => at(h("span", {}, mark.toFixed(decimals)), "top", `${this.#y(mark)}%`)),
    );
  }
}

function at(element: HTMLElement, side: "left" | "top", place: string): HTMLElement {
  element.style[side] = place;
  return element;
}
