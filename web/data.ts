/** The table: what was understood of it, and the means to correct that. */
import { formatPercent } from "../sdk/plots/text.ts";
import type { TargetReport } from "../sdk/table/inspect.ts";
import type { ReadOptions } from "../sdk/table/read.ts";
import { breathe, get, glances, h, s, say, showProblem, warningList } from "./dom.ts";
import type { GivenFile } from "./files.ts";
import type { Remote } from "./remote.ts";
import { counted } from "./words.ts";
import type { OpenedTable, SketchedColumn, Studio } from "./worker/studio.ts";

/** What a user may say a column is; the empty word leaves it as it was found. */
const ROLES = { "": "", numeric: "Number", categorical: "Category", id: "Key", drop: "Leave out" } as const;
type Forced = Exclude<keyof typeof ROLES, "">;

/** What was found, in plain words. */
const FOUND: Record<SketchedColumn["role"], string> = {
  numeric: "number",
  integer: "whole number",
  boolean: "yes or no",
  categorical: "category",
  datetime: "date",
  constant: "always the same",
  id: "key, not learnt",
  drop: "left out",
};

/** So many columns are shown at first, and as many more on request. */
const STEP = 60;
/** Lists of choices, and of columns, grow by so many at a time, so that thousands of columns keep nobody waiting. */
const [OPTIONS, ITEMS] = [100, 8];
/** A whole number with more values than this is no class. */
const MOST_CLASSES = 20;

/** What images are brought to, where nothing else is asked for. */
const USUAL = { size: "16x16", channels: "auto" } as const;
const SIZES = ["8x8", "12x12", "16x16", "20x20", "24x24", "32x32"];

export interface Opening {
  name: string;
  target?: string;
  positive?: string;
  drop?: readonly string[];
}

/** The opened table, its target and the roles that the user gave. */
export class Data {
  readonly #studio: Remote<Studio>;
  readonly #onRead: () => void;
  readonly #target = get<HTMLSelectElement>("target");
  readonly #positive = get<HTMLSelectElement>("positive");
  readonly #problem = get("data-problem");
  readonly #size = get<HTMLSelectElement>("size");
  readonly #channels = get<HTMLSelectElement>("channels");
  /** A table, or images. */
  #source: Blob | readonly GivenFile[] = [];
  #name = "";
  #table: OpenedTable | undefined;
  #report: TargetReport | undefined;
  #forced = new Map<string, Forced>();
  #shown = STEP;
  /** Counts the lists of columns that were begun: an older one stops where it is. */
  #list = 0;

  /** @param onRead called when images were read in another way */
  constructor(
    studio: Remote<Studio>,
    { size = USUAL.size, channels, onRead }: { size?: string; channels?: string; onRead: () => void },
  ) {
    this.#studio = studio;
    this.#onRead = onRead;
    const sizes = SIZES.includes(size) ? SIZES : [...SIZES, size];
    this.#size.append(...sizes.map((value) => h("option", { value }, value.replace("x", " × "))));
    this.#size.value = size;
    if (channels === "grey") this.#channels.value = channels;
    for (const control of [this.#size, this.#channels]) {
      control.addEventListener("change", () => void this.#readAgain());
    }
    this.#target.addEventListener("change", () => void this.#choose(this.#target.value));
    this.#positive.addEventListener("change", () => {
      void this.#choose(this.#target.value, this.#positive.value || undefined);
    });
  }

  /** The column to predict and its positive class, once they are good to be learnt. */
  get ready(): { target: string; positive?: string } | undefined {
    if (!this.#report) return undefined;
    return { target: this.#report.column, positive: this.#positive.value || undefined };
  }

  /** Reads a table and shows it. @throws MakeitError and leaves the former one where it was */
  async open(source: Blob, { name, target, positive, drop = [] }: Opening): Promise<void> {
    const forced = new Map<string, Forced>(drop.map((column) => [column, "drop"]));
    const table = await this.#studio.open(source, { name, ...optionsOf(forced) });
    this.#source = source;
    this.#name = name;
    this.#forced = forced;
    this.#shown = STEP;
    get<HTMLDetailsElement>("columns-box").open = matchMedia("(min-width: 640px)").matches;
    await this.#show(table);
    const guess = target ?? guessTarget(table);
    await this.#choose(guess ?? "", positive, target === undefined);
  }

  /** Whether images are open rather than a table. */
  get images(): boolean {
    return this.#table?.image !== undefined;
  }

  /** How images are read, where it is not the usual way: words of the address. */
  get reading(): { size?: string; channels?: string } {
    if (!this.images) return {};
    const [size, channels] = [this.#size.value, this.#channels.value];
    return {
      size: size === USUAL.size ? undefined : size,
      channels: channels === USUAL.channels ? undefined : channels,
    };
  }

  /** Reads images and shows them. @throws MakeitError and leaves the former ones where they were */
  async openImages(files: readonly GivenFile[], name: string): Promise<void> {
    const channels = this.#channels.value as "auto" | "grey";
    const table = await this.#studio.openImages([...files], { name, size: this.#size.value, channels });
    const positive = this.#source === files ? this.#positive.value || undefined : undefined;
    this.#source = files;
    this.#name = name;
    this.#forced = new Map();
    await this.#show(table);
    await this.#choose(table.columns[0].name, positive);
  }

  /** The same images at another size. */
  async #readAgain(): Promise<void> {
    if (!this.images || this.#source instanceof Blob) return;
    const controls = [this.#size, this.#channels];
    const focused = document.activeElement as HTMLElement | null;
    for (const control of controls) control.disabled = true;
    showProblem(this.#problem);
    try {
      await this.openImages(this.#source, this.#name);
      const { width, height } = this.#table!.image!;
      say(`Read at ${width} by ${height} pixels.`);
      this.#onRead();
    } catch (error) {
      showProblem(this.#problem, error);
    } finally {
      for (const control of controls) control.disabled = false;
      focused?.focus();
    }
  }

  /** Brings the user to what is still to be chosen. */
  ask(): void {
    if (this.#problem.hidden) {
      this.#target.setAttribute("aria-invalid", "true");
      showProblem(this.#problem, undefined);
      get("target-hint").textContent = "Choose the column that training should predict.";
    }
    this.#target.focus();
    this.#target.scrollIntoView({ block: "center" });
  }

  /** No changes while a run learns from the table. */
  set locked(locked: boolean) {
    for (const select of get("data").querySelectorAll("select")) select.disabled = locked;
    this.#positive.disabled = locked || !this.#report;
  }

  async #show(table: OpenedTable): Promise<void> {
    this.#table = table;
    this.#list++;
    const { columns, name, warnings, image, glance = [] } = table;
    // On the screen before it is filled: a browser lays out a few columns at a time sooner than all of them at once.
    get("bench").hidden = false;
    get("data-title").textContent = name;
    get("data-facts").replaceChildren(...factsOf(table));
    get("data-warnings").replaceChildren(warningList(warnings));
    // The class is what images are learnt by; of their columns there is nothing to say.
    get("images-box").hidden = image === undefined;
    for (const part of [get("columns-box"), get("target-field")]) part.hidden = image !== undefined;
    get("glance").replaceChildren(glances(glance));
    this.#target.replaceChildren(h("option", { value: "" }, "Choose …"));
    for (let at = 0; at < columns.length; at += OPTIONS) {
      if (at > 0) await breathe();
      const names = columns.slice(at, at + OPTIONS).map((column) => column.name);
      this.#target.append(...names.map((value) => h("option", { value }, value)));
    }
    await breathe();
    await this.#listColumns();
  }

  async #choose(target: string, positive?: string, guessed = false): Promise<void> {
    this.#target.value = target;
    this.#report = undefined;
    this.#target.removeAttribute("aria-invalid");
    get("target-hint").textContent = "It holds the classes, such as yes and no.";
    showProblem(this.#problem);
    if (target) {
      try {
        this.#report = await this.#studio.target(target, positive);
        if (guessed) get("target-hint").textContent = "A guess: choose another if it is wrong.";
      } catch (error) {
        if (guessed) this.#target.value = "";
        else {
          this.#target.setAttribute("aria-invalid", "true");
          showProblem(this.#problem, error);
        }
      }
    }
    this.#markTarget();
    await this.#listClasses(positive);
  }

  async #listClasses(chosen?: string): Promise<void> {
    const report = this.#report;
    this.#positive.disabled = !report;
    if (!report) {
      this.#positive.replaceChildren();
      get("classes").replaceChildren();
      return;
    }
    // One class against the rest is told as two: the names of all come from the question without it.
    const all = chosen === undefined ? report : await this.#studio.target(report.column).catch(() => report);
    const many = all.classes.length > 2;
    const options = all.classes.map(({ name }) => h("option", { value: name }, name));
    if (many) options.unshift(h("option", { value: "" }, "all of them alike"));
    this.#positive.replaceChildren(...options);
    this.#positive.value = many ? (chosen ?? "") : report.positive!;
    get("classes").replaceChildren(classBar(report));
  }

  async #listColumns(): Promise<void> {
    const { columns } = this.#table!;
    const out = columns.filter(isOut).length;
    get("columns-title").textContent = `Columns${out > 0 ? `, ${out} left out` : ""}`;
    get("columns").replaceChildren();
    await this.#addColumns(0, this.#shown);
  }

  /** A few at a time, the first of them at once. */
  async #addColumns(from: number, to: number): Promise<void> {
    const table = this.#table!;
    const list = get("columns");
    const turn = ++this.#list;
    for (let at = from; at < to && at < table.columns.length; at += ITEMS) {
      if (at > from) await breathe();
      if (this.#list !== turn) return;
      const some = table.columns.slice(at, Math.min(to, at + ITEMS));
      list.append(...some.map((column) => this.#columnItem(column)));
    }
    this.#offerMore();
    this.#markTarget();
  }

  #offerMore(): void {
    const { columns } = this.#table!;
    const rest = columns.length - this.#shown;
    if (rest <= 0) return;
    const text = `Show ${Math.min(STEP, rest)} more of ${counted(columns.length, "column")}`;
    const more = h("li", { class: "more" }, h("button", { type: "button", class: "button" }, text));
    more.addEventListener("click", () => {
      more.remove();
      const from = this.#shown;
      this.#shown += STEP;
      void this.#addColumns(from, this.#shown);
      get("columns").children[from].querySelector("select")!.focus();
    });
    get("columns").append(more);
  }

  #columnItem(column: SketchedColumn): HTMLElement {
    const { name, role, missing, min, max, examples, distinct } = column;
    const values = min === undefined ? examples.join(", ") : `${min} to ${max}`;
    const share = missing / Math.max(1, this.#table!.rows);
    const facts = [`${distinct.toLocaleString("en")} distinct`];
    if (missing > 0) facts.push(`${formatPercent(share)} missing`);
    const select = h("select", { "aria-label": `What ${name} is` });
    const forced = this.#forced.get(name) ?? "";
    for (const [value, text] of Object.entries(ROLES)) {
      const label = value === "" ? (forced === "" ? FOUND[role] : "as found") : text;
      select.append(h("option", { value, selected: value === forced }, label));
    }
    select.addEventListener("change", () => void this.#force(name, select.value as keyof typeof ROLES));
    return h(
      "li",
      { class: isOut(column) ? "is-out" : "", "data-column": name },
      h("span", { class: "name" }, name),
      h("span", { class: "role" }, select, h("span", { class: "tag" }, "to predict")),
      sketch(column),
      h("span", { class: "values" }, values || "no values"),
      h("span", { class: "facts" }, facts.join(", ")),
    );
  }

  /** The target has no role to choose. The list is not built anew, as the focus may be in it. */
  #markTarget(): void {
    for (const item of get("columns").querySelectorAll<HTMLElement>("[data-column]")) {
      item.classList.toggle("is-target", item.dataset.column === this.#target.value);
    }
  }

  /** Reads the table again with another role for a column; a role that does not fit is told and given up. */
  async #force(name: string, role: keyof typeof ROLES): Promise<void> {
    const forced = new Map(this.#forced);
    if (role === "") forced.delete(name);
    else forced.set(name, role);
    showProblem(this.#problem);
    try {
      const table = await this.#studio.open(this.#source as Blob, { name: this.#name, ...optionsOf(forced) });
      this.#forced = forced;
      const { value: target } = this.#target;
      const positive = this.#positive.value || undefined;
      await this.#show(table);
      await this.#choose(target, positive);
      say(`${name}: ${role === "" ? "as found" : ROLES[role]}`);
    } catch (error) {
      await this.#listColumns();
      showProblem(this.#problem, error);
    }
    const index = this.#table!.columns.findIndex((column) => column.name === name);
    get("columns").children[index]?.querySelector("select")?.focus();
  }
}

/** How much there is, at a glance. */
function factsOf({ rows, columns, image }: OpenedTable): (Node | string)[] {
  if (image) {
    const { width, height, channels } = image;
    return [
      h("b", {}, counted(rows, "image")),
      h("b", {}, `${width} × ${height} pixels`),
      channels === 1 ? "in grey" : "in colour",
    ];
  }
  const missing =
    columns.reduce((sum, column) => sum + column.missing, 0) / Math.max(1, rows * columns.length);
  return [
    h("b", {}, counted(rows, "row")),
    h("b", {}, counted(columns.length, "column")),
    missing === 0 ? "no cell is missing" : `${formatPercent(missing)} of the cells are missing`,
  ];
}

const isOut = ({ role }: SketchedColumn) => role === "drop" || role === "id" || role === "constant";

function optionsOf(forced: Map<string, Forced>): ReadOptions {
  const named = (role: Forced) => [...forced].filter(([, given]) => given === role).map(([name]) => name);
  return {
    drop: named("drop"),
    categorical: named("categorical"),
    numeric: named("numeric"),
    id: named("id"),
  };
}

/** A column that is called like a target, or the last one if it holds classes. */
function guessTarget({ columns }: OpenedTable): string | undefined {
  const holdsClasses = ({ role, distinct }: SketchedColumn) =>
    distinct >= 2 && distinct <= MOST_CLASSES && ["categorical", "boolean", "integer"].includes(role);
  const called = columns.find(({ name }) => /^(target|class|label|outcome|y)$/i.test(name));
  const last = columns.at(-1);
  return [called, last].find((column) => column && holdsClasses(column))?.name;
}

/** Twenty bars, or a category each. */
function sketch({ sketch: heights }: SketchedColumn): SVGElement {
  const width = 100 / Math.max(8, heights.length);
  const bars = heights.map((height, i) => {
    const tall = height > 0 ? Math.max(1.5, 24 * height) : 0;
    return s("rect", { x: i * width, y: 24 - tall, width: width - 1, height: tall });
  });
  return s(
    "svg",
    { class: "sketch", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" },
    bars,
  );
}

/** The classes as one bar, the rare one marked, and in words. */
function classBar({ classes, imbalance, missing, positive }: TargetReport): HTMLElement {
  const rare = positive ?? classes.reduce((a, b) => (b.rows < a.rows ? b : a)).name;
  const shown = classes.length > 8 ? [...classes].sort((a, b) => b.rows - a.rows).slice(0, 8) : classes;
  let x = 0;
  const parts = shown.map(({ name, share }, i) => {
    const rect = s("rect", {
      x,
      y: 0,
      width: Math.max(0.4, 100 * share),
      height: 10,
      class: name === rare ? "rare" : `other-${i % 4}`,
    });
    x += 100 * share;
    return rect;
  });
  const words = shown.map(({ name, rows, share }) =>
    h(
      "li",
      { class: name === rare ? "rare" : "" },
      h("b", {}, name),
      ` ${rows.toLocaleString("en")}`,
      h("span", {}, formatPercent(share)),
    ),
  );
  const rest = classes.length - shown.length;
  const notes = [`${imbalance < 10 ? imbalance.toFixed(1) : Math.round(imbalance)} to 1`];
  if (rest > 0) notes.push(`${rest} more classes`);
  if (missing > 0) notes.push(`${counted(missing, "row")} without a class left out`);
  return h(
    "div",
    { class: "balance" },
    s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parts),
    h("ul", {}, words, h("li", { class: "note" }, notes.join(", "))),
  );
}
