/** A run as it goes on: how far, how good, how long still. */
import { formatFixed } from "../sdk/plots/text.ts";
import type { RunResult } from "../sdk/result.ts";
import type { Progress } from "../sdk/run.ts";
import { Tally } from "../sdk/tally.ts";
import { LiveChart } from "./chart.ts";
import { get, h, say, showProblem } from "./dom.ts";
import { counted, duration, engineName, metricName } from "./words.ts";
import type { News } from "./worker/studio.ts";

const TILES = { best: "Best score", mean: "Mean score", left: "Time left", pace: "Epochs a second" } as const;
/** More splits than this are a number, not a list. */
const LISTED = 24;
/** A screen reader is told at every such part of the run. */
const TOLD = 0.1;

export interface Plan {
  metric: string;
  splits: number;
  epochs: number;
}

export class Training {
  readonly #section = get("training");
  readonly #progress = get<HTMLProgressElement>("progress");
  readonly #stop = get<HTMLButtonElement>("stop");
  readonly #chart = new LiveChart(get("chart"));
  readonly #tiles = new Map<string, HTMLElement>();
  readonly #lanes = new Map<number, HTMLElement>();
  #tally = new Tally({ jobs: 1 });
  #best = -Infinity;
  #told = 0;
  #due = false;
  #last: Progress | undefined;
  #done = 0;
  #running = false;
  #stopping = false;

  constructor({ onStop }: { onStop: () => void }) {
    for (const [name, label] of Object.entries(TILES)) {
      const value = h("dd", {}, "–");
      this.#tiles.set(name, value);
      get("tiles").append(h("div", {}, h("dt", {}, label), value));
    }
    this.#stop.addEventListener("click", () => {
      onStop();
      this.#stopping = true;
      this.#stop.disabled = true;
      this.#phase("Stopping: the best so far is tested on held-out rows.");
      say("Stopping with the best so far.");
    });
  }

  get running(): boolean {
    return this.#running;
  }

  begin({ metric, splits, epochs }: Plan): void {
    this.#running = true;
    this.#stopping = false;
    [this.#best, this.#told, this.#done, this.#last] = [-Infinity, 0, 0, undefined];
    this.#section.hidden = false;
    this.#stop.disabled = false;
    this.#stop.classList.remove("gone");
    this.#progress.value = 0;
    for (const value of this.#tiles.values()) value.textContent = "–";
    showProblem(get("training-problem"));
    const lower = metric === "brier" || metric === "log_loss";
    this.#chart.start(
      `${lower ? "1 − " : ""}${metricName(metric)} of the generated sets, as training scores them`,
      epochs,
    );
    this.#listLanes(splits);
    get("engine").textContent = "";
    this.#phase(`Starting ${counted(splits, "split")} and the model on all rows.`);
    say("Training has started.");
  }

  hear(news: News): void {
    if (news.kind === "lanes") {
      this.#tally = new Tally({ jobs: news.lanes });
      get("engine").textContent = `${engineName(news.engine)}, ${counted(news.lanes, "split")} at a time`;
    } else if (news.kind === "begin") this.#mark(news.split, "training");
    else if (news.kind === "done") {
      this.#done++;
      this.#mark(news.split, "done");
    } else if (news.kind === "epoch") this.#count(news.progress);
  }

  /** The run has come to its end. */
  finish({ engine, engineReason, seconds }: RunResult): void {
    this.#end();
    this.#progress.value = 1;
    this.#write("left", "0 s");
    this.#phase(`${this.#stopping ? "Stopped" : "Finished"} after ${duration(seconds)}.`);
    get("engine").textContent = `${engineName(engine)}: ${engineReason}`;
    document.title = "Done · Makeit";
  }

  /** Something else has ended it. */
  fail(error: unknown): void {
    this.#end();
    this.#write("left", "–");
    this.#phase("Training has ended.");
    showProblem(get("training-problem"), error);
    document.title = "Makeit: make rare cases count";
  }

  #end(): void {
    this.#running = false;
    this.#stop.disabled = true;
    this.#stop.classList.add("gone");
    for (const lane of this.#lanes.values()) if (lane.className !== "done") lane.className = "off";
  }

  #listLanes(splits: number): void {
    this.#lanes.clear();
    const list = get("lanes");
    list.replaceChildren();
    if (splits > LISTED) return;
    for (const split of [...Array.from({ length: splits }, (_, i) => i + 1), 0]) {
      const item = h(
        "li",
        { class: "waiting" },
        h("span", { class: `swatch c${split % 8}` }),
        split === 0 ? "All rows" : `Split ${split}`,
        h("span", { class: "state" }, "waiting"),
      );
      this.#lanes.set(split, item);
      list.append(item);
    }
  }

  #mark(split: number, state: "training" | "testing" | "done"): void {
    const item = this.#lanes.get(split);
    if (!item || item.className === state) return;
    item.className = state;
    item.querySelector(".state")!.textContent = state;
  }

  #count(progress: Progress): void {
    const { split, epoch, epochs, score, best } = progress;
    this.#tally.add(progress);
    this.#best = Math.max(this.#best, best);
    this.#last = progress;
    this.#chart.add(split, epoch, score, best);
    if (epoch === epochs) this.#mark(split, "testing");
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => this.#show(), 100);
  }

  #show(): void {
    this.#due = false;
    if (!this.#running || !this.#last) return;
    const { split, splits, epoch, epochs, score } = this.#last;
    const { share } = this.#tally;
    const left = duration(this.#tally.left());
    this.#progress.value = share;
    this.#write("best", formatFixed(this.#best, 3));
    this.#write("mean", formatFixed(score, 3));
    this.#write("left", left);
    this.#write("pace", formatFixed(this.#tally.rate(), 1));
    document.title = `${Math.floor(100 * share)} % · Makeit`;
    if (this.#stopping) return;
    const where = split === 0 ? "The model on all rows" : `Split ${split} of ${splits}`;
    this.#phase(`${where}, epoch ${epoch} of ${epochs}`);
    if (share < this.#told + TOLD) return;
    this.#told = share;
    say(`${Math.round(100 * share)} percent, best score ${formatFixed(this.#best, 3)}, ${left} left.`);
  }

  #write(tile: keyof typeof TILES, text: string): void {
    this.#tiles.get(tile)!.textContent = text;
  }

  #phase(text: string): void {
    get("phase").textContent = text;
  }
}
