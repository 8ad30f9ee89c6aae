/** Drawing rows from a model: the one of the run, or one from a file. */
import { get, glances, h, save, say, showProblem } from "./dom.ts";
import type { Remote } from "./remote.ts";
import { counted } from "./words.ts";
import type { OpenedModel, Sampled, Studio } from "./worker/studio.ts";

/** More classes than this are drawn as they come. */
const LISTED = 12;

export class Sampling {
  readonly #studio: Remote<Studio>;
  readonly #form = get<HTMLFormElement>("sample-form");
  readonly #problem = get("sample-problem");
  #counts: [name: string, box: HTMLInputElement][] = [];
  #seed = h("input", { type: "number" });
  #noun = "row";

  constructor(studio: Remote<Studio>) {
    this.#studio = studio;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#draw();
    });
  }

  /** Offers to draw from a model. */
  show({ name, target, classes, columns, version, image }: OpenedModel): void {
    get("sample").hidden = false;
    this.#noun = image ? "image" : "row";
    get("sample-title").textContent = `Draw more ${this.#noun}s`;
    showProblem(this.#problem);
    get("drawn").replaceChildren();
    get("model-facts").replaceChildren(
      h("b", {}, name),
      image
        ? `images of ${image.width} × ${image.height} pixels, made by Makeit ${version}`
        : `predicts ${target} from ${counted(columns, "column")}, made by Makeit ${version}`,
    );
    const listed = classes.length <= LISTED ? classes : ["any class"];
    this.#counts = listed.map((text, i) => [
      text,
      h("input", { type: "number", id: `count-${i}`, min: 0, step: 1, inputmode: "numeric", value: 100 }),
    ]);
    this.#seed = h("input", {
      type: "number",
      id: "sample-seed",
      min: 0,
      step: 1,
      inputmode: "numeric",
      value: 1,
    });
    const field = (id: string, label: string, box: HTMLElement) =>
      h("div", { class: "field" }, h("label", { for: id }, label), box);
    this.#form.replaceChildren(
      h(
        "div",
        { class: "fields many" },
        this.#counts.map(([text, box]) => field(box.id, `${image ? "Images" : "Rows"} of ${text}`, box)),
        field("sample-seed", "Seed", this.#seed),
      ),
      h("button", { type: "submit", class: "button primary" }, `Draw ${this.#noun}s`),
    );
  }

  async #draw(): Promise<void> {
    const button = this.#form.querySelector("button")!;
    const number = (box: HTMLInputElement) => (box.value === "" ? Number.NaN : Number(box.value));
    const counts = Object.fromEntries(this.#counts.map(([name, box]) => [name, number(box)]));
    const [any] = Object.values(counts);
    const single = this.#counts.length === 1;
    showProblem(this.#problem);
    button.disabled = true;
    try {
      const drawn = await this.#studio.sample({
        ...(single ? { rows: any } : { counts }),
        seed: number(this.#seed),
      });
      get("drawn").replaceChildren(drawn.glance ? this.#album(drawn) : preview(drawn));
      say(`${counted(drawn.total, this.#noun)} drawn.`);
    } catch (error) {
      showProblem(this.#problem, error);
    } finally {
      button.disabled = false;
    }
  }

  #album({ glance = [], total, csv }: Sampled): HTMLElement {
    const pngs = h(
      "button",
      { type: "button", class: "button" },
      `Save all ${counted(total, "image")} as PNG`,
    );
    pngs.addEventListener("click", async () => {
      pngs.disabled = true;
      save(await this.#studio.drawnImages(), "images.zip");
      pngs.disabled = false;
    });
    const rows = h("button", { type: "button", class: "button quiet" }, "or as CSV");
    rows.addEventListener("click", () => save(csv, "images.csv"));
    return h("div", { class: "album" }, glances(glance), h("div", { class: "choose" }, pngs, rows));
  }
}

function preview({ names, rows, total, csv }: Sampled): HTMLElement {
  const button = h("button", { type: "button", class: "button" }, `Save all ${counted(total, "row")} as CSV`);
  button.addEventListener("click", () => save(csv, "rows.csv"));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "wide", role: "region", "aria-label": "The first rows drawn", tabindex: 0 },
      h(
        "table",
        { class: "preview" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            names.map((name) => h("th", { scope: "col" }, name)),
          ),
        ),
        h(
          "tbody",
          {},
          rows.map((row) =>
            h(
              "tr",
              {},
              row.map((cell) => h("td", {}, cell)),
            ),
          ),
        ),
      ),
    ),
    button,
  );
}
