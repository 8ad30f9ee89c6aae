/** The few things the page needs of the DOM. */
import { MakeitError } from "../sdk/errors.ts";

type Child = Node | string | number | false | null | undefined | readonly Child[];
type Attributes = Record<string, unknown>;

/**
 * An element: `on…` are listeners, true and false switch an attribute on and off, undefined leaves it out.
 * Texts are texts, never markup.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAll(element, attributes);
  append(element, children);
  return element;
}

/** An SVG element. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAll(element, attributes);
  append(element, children);
  return element;
}

function setAll(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children.flat(9) as Child[]) {
    if (child !== undefined && child !== null && child !== false) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
}

/** The element of index.html with this id. */
export function get<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element as T;
}

/** Says something to screen readers, once they have finished. */
export function say(text: string): void {
  get("status").textContent = text;
}

/** Shows what went wrong and how to mend it in `box`, an alert; nothing hides it. */
export function showProblem(box: HTMLElement, error?: unknown): void {
  box.hidden = error === undefined;
  const known = error instanceof MakeitError;
  const message = known
    ? error.message
    : `Unexpected error: ${error instanceof Error ? error.message : error}`;
  const hint = known ? error.hint : "This is a fault of Makeit.";
  box.replaceChildren(...(box.hidden ? [] : [h("strong", {}, message), h("span", {}, hint)]));
}

/** More warnings than this are counted. */
const WARNINGS = 12;

/** What to beware of, a sentence each. */
export function warningList(warnings: readonly string[]): Node {
  if (warnings.length === 0) return new Text();
  const rest = warnings.length - WARNINGS;
  const items = warnings.slice(0, WARNINGS).map((text) => h("li", {}, text));
  return h("ul", { class: "warnings" }, items, rest > 0 && h("li", {}, `… and ${rest} more.`));
}

/** Lets the browser paint and answer the user before what comes next. */
export const breathe = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Images of each class, a row each: what they look like. */
export function glances(classes: readonly { name: string; count: number; pngs: readonly string[] }[]): Node {
  const items = classes.map(({ name, count, pngs }) =>
    h(
      "li",
      {},
      h("b", {}, name),
      h("span", { class: "unseen" }, `, ${pngs.length} of ${count} images`),
      h(
        "div",
        {},
        pngs.map((src) => h("img", { src, alt: "" })),
      ),
    ),
  );
  return h("ul", { class: "glances" }, items);
}

/** Hands a file to the user. */
export function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Brings a part of the page to the user: into view, and its heading into focus for those who do not see. */
export function lead(section: HTMLElement): void {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  section.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  section.querySelector("h2")?.focus({ preventScroll: true });
}

/** Whether a good part of it is on the screen. */
export function isSeen(section: HTMLElement): boolean {
  const { top, bottom } = section.getBoundingClientRect();
  return Math.min(bottom, innerHeight) - Math.max(top, 0) > 120;
}
