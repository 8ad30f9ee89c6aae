/** What came out of a run: the verdict, the methods, the files, the pictures. */
import { formatFixed, formatPercent } from "../sdk/plots/text.ts";
import { METHOD_NAMES, METHODS, type Method, type RunResult, type SplitResult } from "../sdk/result.ts";
import { breathe, get, h, s, save, warningList } from "./dom.ts";
import type { Remote } from "./remote.ts";
import { counted, metricName } from "./words.ts";
import type { Studio } from "./worker/studio.ts";

const OUTCOMES = { helps: "Helps", same: "No clear difference", hurts: "Hurts" } as const;
const MARKS = { helps: "M3 8.5 6.5 12 13 4.5", same: "M3 6h10M3 10h10", hurts: "m4 4 8 8m0-8-8 8" } as const;
const ARROW = "M8 2v9M4 7.5l4 4 4-4M3 14.5h10";

/** The pictures of a split, and those of all splits; of images some are others. */
const SPLIT_PICTURES: Record<string, string> = {
  tree: "Decision tree",
  importance: "Feature importances",
  embedding: "Real and synthetic rows",
  distributions: "Distributions",
  curves: "Learning curves",
};
const ALL_PICTURES: Record<string, string> = {
  importances: "Importances across splits",
  importance: "Mean importances",
  methods: "Methods",
  reliability: "Reliability of the probabilities",
};
const IMAGE_PICTURES: Record<string, string> = {
  images: "Real and generated images",
  tree: "Decision tree",
  importance: "Importance of each pixel",
  embedding: "Real and synthetic images",
  distributions: "Brightness and contrast",
  curves: "Learning curves",
};
const ALL_IMAGE_PICTURES: Record<string, string> = {
  importances: "Importance of each pixel, mean and spread",
  methods: "Methods",
  reliability: "Reliability of the probabilities",
};

/** Split 0 stands for all of them. */
const ALL = 0;

export class Results {
  readonly #studio: Remote<Studio>;
  readonly #tabs = new Map<number, HTMLButtonElement>();
  /** Every picture that was drawn: a tab looked at again is there at once. */
  readonly #drawn = new Map<string, string>();
  #metric = "";
  #images = false;
  #chosen = -1;
  #run = 0;
  #result: RunResult | undefined;

  constructor(studio: Remote<Studio>) {
    this.#studio = studio;
    get("tabs").addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Clears what an earlier run has left, and keeps the places of what is to come. */
  begin({ metric, splits, images }: { metric: string; splits: number; images: boolean }): void {
    this.#run++;
    this.#metric = metric;
    this.#images = images;
    this.#result = undefined;
    this.#chosen = -1;
    this.#tabs.clear();
    this.#drawn.clear();
    get("tabs").replaceChildren();
    get("panel").replaceChildren(
      h("p", { class: "hint" }, "Each split's pictures appear here as soon as it is done."),
    );
    get("result").hidden = true;
    get("splits").hidden = false;
    this.#addTab(ALL, "All splits");
    for (let split = 1; split <= splits; split++) this.#addTab(split, `Split ${split}`);
    get("tabs").replaceChildren(...this.#tabs.values());
  }

  /** The run has come to nothing. */
  abandon(): void {
    if (this.#chosen < 0) get("splits").hidden = true;
  }

  /** A split is done: it can be looked at while others still train. */
  addSplit({ split }: SplitResult): void {
    this.#tabs.get(split)!.disabled = false;
    if (this.#chosen < 0) void this.#choose(split);
  }

  /** @param look whether the user waits for it, rather than looks at a split */
  show(result: RunResult, look: boolean): void {
    this.#result = result;
    const section = get("result");
    section.className = `card verdict ${result.verdict.outcome}`;
    section.replaceChildren(
      verdict(result),
      methods(result),
      warningList(result.warnings),
      this.#downloads(result),
    );
    section.hidden = false;
    for (const [split, tab] of this.#tabs) if (tab.disabled && split !== ALL) tab.remove();
    this.#tabs.get(ALL)!.disabled = false;
    if (look) void this.#choose(ALL);
  }

  #downloads(result: RunResult): HTMLElement {
    const offers: [path: string, title: string, text: string][] = [
      ["synthetic.csv", "Synthetic rows", "the sets that scored best"],
      ["report.html", "Report", "one file to read, print, send"],
      ["model.safetensors", "Model", "draws more rows"],
      ["report.json", "Figures", "the report for programs"],
    ];
    const base = result.data.name.replace(/\.[^.]*$/, "").replace(/[^\w-]+/g, "-") || "table";
    const item = (title: string, text: string, name: string, file: () => Promise<Blob>) => {
      const button = h(
        "button",
        { type: "button", class: "offer" },
        h("b", {}, title),
        icon(ARROW),
        h("span", {}, text),
        h("i", {}, name),
      );
      button.addEventListener("click", async () => {
        button.disabled = true;
        try {
          save(await file(), name);
        } finally {
          button.disabled = false;
        }
      });
      return h("li", {}, button);
    };
    const items = offers.map(([path, title, text]) => item(title, text, path, () => this.#studio.file(path)));
    items.push(item("All of it", "with every picture", `${base}-makeit.zip`, () => this.#studio.archive()));
    return h("div", { class: "downloads" }, h("h3", {}, "Take it with you"), h("ul", {}, items));
  }

  #addTab(split: number, text: string): void {
    const tab = h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${split}`,
        "aria-controls": "panel",
        "aria-selected": "false",
        tabindex: -1,
        disabled: true,
      },
      text,
    );
    tab.addEventListener("click", () => void this.#choose(split));
    this.#tabs.set(split, tab);
  }

  #onKey(event: KeyboardEvent): void {
    const order = [...this.#tabs].filter(([, tab]) => !tab.disabled).map(([split]) => split);
    const at = order.indexOf(this.#chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: order.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const split = order[(to + order.length) % order.length];
    this.#tabs.get(split)!.focus();
    void this.#choose(split);
  }

  async #choose(split: number): Promise<void> {
    const focused = document.activeElement?.getAttribute("role") === "tab";
    this.#chosen = split;
    for (const [key, tab] of this.#tabs) {
      tab.setAttribute("aria-selected", String(key === split));
      tab.tabIndex = key === split ? 0 : -1;
    }
    if (focused) this.#tabs.get(split)!.focus();
    const panel = get("panel");
    panel.setAttribute("aria-labelledby", `tab-${split}`);
    const [ofAll, ofSplit] = this.#images
      ? [ALL_IMAGE_PICTURES, IMAGE_PICTURES]
      : [ALL_PICTURES, SPLIT_PICTURES];
    const pictures = Object.entries(split === ALL ? ofAll : ofSplit);
    const figures = pictures.map(([name, title]) => this.#figure(split, name, title));
    panel.replaceChildren(...figures, ...(split === ALL && this.#result ? [rules(this.#result)] : []));
    const run = this.#run;
    for (const [i, [name]] of pictures.entries()) {
      const key = `${split}/${name}`;
      const svg = this.#drawn.get(key) ?? (await this.#studio.picture(split, name, this.#metric));
      if (run !== this.#run || split !== this.#chosen) return; // the user is elsewhere by now
      this.#drawn.set(key, svg);
      figures[i].querySelector(".canvas")!.replaceChildren(parse(svg));
      await breathe(); // one picture a task
    }
  }

  #figure(split: number, name: string, title: string): HTMLElement {
    const where = split === ALL ? "all splits" : `split ${split}`;
    const button = h(
      "button",
      { type: "button", class: "button quiet small" },
      "Save SVG",
      h("span", { class: "unseen" }, ` of ${title.toLowerCase()}, ${where}`),
    );
    button.addEventListener("click", () => {
      const svg = this.#drawn.get(`${split}/${name}`);
      const file = split === ALL ? `${name}.svg` : `split-${split}-${name}.svg`;
      if (svg) save(new Blob([svg], { type: "image/svg+xml" }), file);
    });
    return h(
      "figure",
      { class: `picture ${name}` },
      h(
        "div",
        { class: "canvas", role: "region", "aria-label": `${title}, ${where}`, tabindex: 0 },
        h("p", { class: "hint" }, "Drawing …"),
      ),
      button,
    );
  }
}

const icon = (d: string) =>
  s("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d }));

/** SVG text as elements; what it says is text, never script. */
function parse(svg: string): Node {
  return document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
}

function verdict({ verdict, metric, mean, splits }: RunResult): HTMLElement {
  const { outcome, sentence, wins } = verdict;
  const figure = (label: string, value: string) => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  return h(
    "div",
    { class: "judgement" },
    h(
      "h2",
      { id: "result-title", tabindex: -1 },
      h("span", { class: "mark" }, icon(MARKS[outcome])),
      OUTCOMES[outcome],
    ),
    h("p", { class: "sentence" }, sentence),
    h(
      "dl",
      { class: "figures" },
      figure(`${metricName(metric)}, nothing done`, formatFixed(mean.test.none, 3)),
      figure(`${metricName(metric)}, Makeit`, formatFixed(mean.test.makeit, 3)),
      figure("splits where Makeit is better", `${wins} of ${splits.length}`),
    ),
  );
}

/** Bars of the held-out means with a whisker of one standard deviation. */
function methods({ mean, metric, verdict, splits }: RunResult): HTMLElement {
  const lower = metric === "brier" || metric === "log_loss";
  const reach = (method: Method) => Math.max(0, mean.test[method]) + (mean.sd[method] || 0);
  const most = Math.max(...METHODS.map(reach), 1e-9);
  const percent = (value: number) => `${Math.min(100, Math.max(0, (100 * value) / most))}%`;
  const row = (method: Method) => {
    const [value, sd] = [mean.test[method], mean.sd[method]];
    const bar = h("span", { class: "bar" });
    bar.style.width = percent(value);
    const whisker = h("span", { class: "whisker" });
    whisker.style.left = percent(value - sd);
    whisker.style.width = percent(Math.min(value, sd) + sd);
    const best = method === verdict.best;
    return h(
      "tr",
      { class: [method === "makeit" ? "ours" : "", best ? "best" : ""].join(" ").trim() || undefined },
      h("th", { scope: "row" }, METHOD_NAMES[method], best ? h("span", { class: "tag" }, "best") : ""),
      h("td", { class: "track", "aria-hidden": "true" }, h("div", {}, bar, sd > 0 ? whisker : "")),
      h("td", { class: "value" }, formatFixed(value, 3), h("small", {}, ` ± ${formatFixed(sd, 3)}`)),
    );
  };
  const caption = `${metricName(metric)} on held-out rows, mean ± standard deviation of ${counted(splits.length, "split")}, ${lower ? "lower" : "higher"} is better`;
  return h(
    "table",
    { class: "methods" },
    h("caption", {}, caption),
    h(
      "thead",
      { class: "unseen" },
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "Method"),
        h("td", { "aria-hidden": "true" }),
        h("th", { scope: "col" }, "Score"),
      ),
    ),
    h("tbody", {}, METHODS.map(row)),
  );
}

const RULES = 12;

/** Rules that recur in the trees of several splits. */
function rules({ rules }: RunResult): HTMLElement {
  if (rules.length === 0) return h("p", { class: "hint" }, "No rule appears in the trees of two splits.");
  return h(
    "div",
    { class: "rules" },
    h("h3", {}, "Rules that recur"),
    h(
      "ol",
      {},
      rules.slice(0, RULES).map(({ conditions, class: name, support, confidence, splits }) =>
        h(
          "li",
          {},
          h(
            "span",
            { class: "if" },
            conditions.flatMap((text, i) => [i > 0 ? " and " : "", h("code", {}, text)]),
          ),
          h("span", { class: "then" }, "then ", h("b", {}, name)),
          h(
            "span",
            { class: "facts" },
            `${formatPercent(support)} of the rows, ${formatPercent(confidence)} of them right, in splits ${splits.join(", ")}`,
          ),
        ),
      ),
    ),
  );
}
