/** The settings as controls, made of the same table as the command line's flags. */

import { MakeitError } from "../sdk/errors.ts";
import { OPTIONS, type OptionSpec, resolveSettings, type Settings as Values } from "../sdk/options.ts";
import { get, h, say, showProblem } from "./dom.ts";
import type { Given } from "./link.ts";
import { METRICS } from "./words.ts";

type Name = keyof Values;
type Control = HTMLInputElement | HTMLSelectElement;

const CHOICES: Partial<Record<Name, Record<string, string>>> = {
  metric: Object.fromEntries(Object.entries(METRICS).map(([metric, [name]]) => [metric, name])),
  classifier: { logistic: "Logistic regression", tree: "Decision tree", forest: "Random forest" },
  engine: {
    auto: "What a short trial finds faster",
    wasm: "WebAssembly, on the processor",
    webgpu: "WebGPU, on the graphics card",
  },
  objective: { augmented: "With the real ones", synthetic: "On their own" },
};

const HINTS: Partial<Record<Name, string>> = {
  objective: "By what a classifier that learns from them achieves.",
  lambda: "",
  splits: "Parts that take turns as the test.",
  samples: "In a generated set: a count, or 0.5x the training rows.",
  epochs: "Rounds of training, at most.",
  seed: "Same seed, same rows.",
};

const LABELS: Partial<Record<Name, string>> = {
  metric: "Metric to improve",
  classifier: "Classifier",
  objective: "Judge generated rows",
  lambda: "Closeness to the real rows, λ",
  splits: "Splits",
  samples: "Rows",
  epochs: "Epochs",
  seed: "Seed",
};

const FIRST: readonly Name[] = [
  "metric",
  "classifier",
  "objective",
  "lambda",
  "splits",
  "samples",
  "epochs",
  "seed",
];
/** What has no place in the page. */
const HIDDEN: readonly Name[] = ["profile", "threads", "relaxed"];

/** "criticLearningRate" → "critic learning rate" */
const spaced = (name: string) => {
  const text = name.replace(/[A-Z0-9]+/g, (part) => ` ${part.toLowerCase()}`);
  return text[0].toUpperCase() + text.slice(1);
};

/** The settings that differ from the defaults, and their controls. */
export class Settings {
  readonly #controls = new Map<Name, Control[]>();
  readonly #train = h("button", { class: "button primary large", type: "submit" }, "Train");
  readonly #problem = h("div", { class: "problem", role: "alert", hidden: true });
  readonly #onChange: () => void;
  #given: Given = {};
  #images = false;

  constructor(given: Given, { onChange, onTrain }: { onChange: () => void; onTrain: () => void }) {
    this.#given = given;
    this.#onChange = onChange;
    const form = get<HTMLFormElement>("form");
    form.append(
      this.#field("metric"),
      this.#radios("classifier"),
      this.#radios("objective"),
      this.#lambda(),
      h(
        "div",
        { class: "fields four" },
        (["splits", "samples", "epochs", "seed"] as const).map((name) => this.#field(name)),
      ),
      this.#rest(),
      this.#copyButton(),
      h("div", { class: "go" }, this.#problem, this.#train),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      onTrain();
    });
    this.#refresh();
  }

  get given(): Given {
    return this.#given;
  }

  /** Takes over settings from elsewhere. */
  set given(given: Given) {
    this.#given = given;
    this.#refresh();
  }

  /** What holds: what was given, and what follows from it. */
  get values(): Values {
    return this.#resolve(this.#given);
  }

  /** Images have other defaults than tables. */
  set images(images: boolean) {
    this.#images = images;
    this.#refresh();
  }

  #resolve(given: Given): Values {
    return resolveSettings({ ...(this.#images && { preset: "images" }), ...given });
  }

  /** Whether every control holds what can be used. */
  get valid(): boolean {
    return this.#problem.hidden === true;
  }

  /** No changes while a run goes on. */
  set locked(locked: boolean) {
    for (const controls of this.#controls.values()) for (const control of controls) control.disabled = locked;
    this.#train.disabled = locked;
  }

  #set(name: Name, raw: unknown): void {
    const next: Given = { ...this.#given, [name]: raw };
    try {
      const { [name]: _, ...others } = next;
      const usual = this.#resolve(others)[name];
      if (raw === usual) delete next[name];
      this.#resolve(next);
    } catch (error) {
      if (!(error instanceof MakeitError)) throw error;
      showProblem(this.#problem, error);
      for (const control of this.#controls.get(name) ?? []) control.setAttribute("aria-invalid", "true");
      return;
    }
    showProblem(this.#problem);
    this.#given = next;
    this.#refresh();
    this.#onChange();
  }

  /** Every control shows what holds: what was given, or what follows from that. */
  #refresh(): void {
    const { values } = this;
    for (const [name, controls] of this.#controls) {
      for (const control of controls) {
        control.removeAttribute("aria-invalid");
        const value = values[name];
        if (control instanceof HTMLInputElement && control.type === "checkbox")
          control.checked = value === true;
        else if (control instanceof HTMLInputElement && control.type === "radio")
          control.checked = control.value === value;
        else control.value = String(value);
      }
    }
    const hint = document.getElementById("metric-hint");
    if (hint) hint.textContent = METRICS[values.metric as keyof typeof METRICS][1];
  }

  #bind<C extends Control>(name: Name, control: C): C {
    this.#controls.set(name, [...(this.#controls.get(name) ?? []), control]);
    control.addEventListener("change", () => this.#set(name, valueIn(OPTIONS[name], control)));
    return control;
  }

  #field(name: Name): HTMLElement {
    const spec: OptionSpec = OPTIONS[name];
    const id = `set-${name}`;
    const hintId = `${name}-hint`;
    const control = this.#bind(name, controlOf(name, spec, { id, "aria-describedby": hintId }));
    return h(
      "div",
      { class: spec.kind === "boolean" ? "field check" : "field" },
      h("label", { for: id }, LABELS[name] ?? spaced(name)),
      control,
      h("p", { id: hintId, class: "hint" }, HINTS[name] ?? `${spec.describe}.`),
    );
  }

  #radios(name: Name): HTMLElement {
    const choices = Object.entries(CHOICES[name]!).map(([value, text]) => {
      const radio = this.#bind(name, h("input", { type: "radio", name, value, class: "unseen" }));
      return h("label", {}, radio, h("span", {}, text));
    });
    const hint = HINTS[name];
    return h(
      "fieldset",
      { class: "field" },
      h("legend", {}, LABELS[name]),
      h("div", { class: "segments" }, choices),
      hint ? h("p", { class: "hint" }, hint) : "",
    );
  }

  /** A slider for the range that makes sense, a box for any number. */
  #lambda(): HTMLElement {
    const label = { "aria-label": "λ as a slider" };
    const slider = this.#bind("lambda", h("input", { type: "range", min: 0, max: 10, step: 0.1, ...label }));
    const box = this.#bind(
      "lambda",
      h("input", { type: "number", id: "set-lambda", min: 0, step: "any", inputmode: "decimal" }),
    );
    slider.addEventListener("input", () => {
      box.value = slider.value;
    });
    return h(
      "div",
      { class: "field" },
      h("label", { for: "set-lambda" }, LABELS.lambda),
      h("div", { class: "slide" }, slider, box),
      h(
        "p",
        { class: "hint ends", "aria-hidden": "true" },
        h("span", {}, "free to help"),
        h("span", {}, "close to real"),
      ),
    );
  }

  #rest(): HTMLElement {
    const groups = new Map<string, Name[]>();
    for (const [name, { group }] of Object.entries(OPTIONS) as [Name, OptionSpec][]) {
      if (FIRST.includes(name) || HIDDEN.includes(name)) continue;
      groups.set(group, [...(groups.get(group) ?? []), name]);
    }
    const sections = [...groups].map(([group, names]) => [
      h("h3", {}, group),
      names.map((name) => this.#field(name)),
    ]);
    return h("details", { class: "rest" }, h("summary", {}, "Everything else"), sections);
  }

  #copyButton(): HTMLElement {
    const button = h("button", { type: "button", class: "button quiet" }, "Copy a link to these settings");
    button.addEventListener("click", async () => {
      const url = location.href;
      const copied = await navigator.clipboard.writeText(url).then(
        () => true,
        () => false,
      );
      say(copied ? "Link copied. It holds settings only, nothing of your data." : `The link: ${url}`);
      button.textContent = copied ? "Copied" : "The address bar has the link";
      setTimeout(() => {
        button.textContent = "Copy a link to these settings";
      }, 2500);
    });
    return button;
  }
}

function controlOf(name: Name, spec: OptionSpec, attributes: Record<string, unknown>): Control {
  if (spec.kind === "choice") {
    const options = spec.choices!.map((value) => h("option", { value }, CHOICES[name]?.[value] ?? value));
    return h("select", attributes, options);
  }
  if (spec.kind === "boolean") return h("input", { type: "checkbox", ...attributes });
  if (spec.kind === "string")
    return h("input", { type: "text", spellcheck: "false", autocomplete: "off", ...attributes });
  const { min, max } = spec;
  const limit = max === Infinity ? undefined : max;
  const step = spec.kind === "integer" ? 1 : "any";
  return h("input", {
    type: "number",
    min,
    max: limit,
    step,
    inputmode: spec.kind === "integer" ? "numeric" : "decimal",
    ...attributes,
  });
}

function valueIn(spec: OptionSpec, control: Control): unknown {
  if (spec.kind === "boolean") return (control as HTMLInputElement).checked;
  if (spec.kind === "number" || spec.kind === "integer")
    return control.value === "" ? Number.NaN : Number(control.value);
  return control.value.trim();
}
