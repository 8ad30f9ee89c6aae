/**
 * Where pictures are drawn: an svg.js root on the window that is there (a browser's) or was registered
 * (`registerPlotWindow` of plots/node.ts), and the text it is written out as: the same bytes everywhere.
 */
import { type Container, type Dom, getWindow, SVG, type Svg } from "@svgdotjs/svg.js";
import { MakeitError } from "../errors.ts";
import { BORDER, CARD, INK, MUTED } from "./colors.ts";
import { clean, shorten } from "./text.ts";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const MARGIN = 24;

export type Attributes = Record<string, string | number>;

export interface Frame {
  width: number;
  height: number;
  title: string;
  /** A line below the title. */
  subtitle?: string;
  /** What a screen reader says; the title and subtitle when left out. */
  description?: string;
  /** Width kept free at the right of title and subtitle, for a legend. */
  aside?: number;
}

/** A white card with a title: the ground of every picture. */
export function openCanvas(frame: Frame): Svg {
  const { width, height, title, subtitle = "", aside = 0 } = frame;
  if (!getWindow()) {
    throw new MakeitError(
      "internal",
      "Drawing needs a document, and there is none here.",
      "In Node import makeit-ai/node first, which brings one; in a browser draw on the main thread.",
    );
  }
  const root = SVG() as Svg;
  root.attr({ width: round(width), height: round(height), viewBox: `0 0 ${round(width)} ${round(height)}` });
  root.attr({
    role: "img",
    "aria-label": clean(frame.description ?? `${title}. ${subtitle}`),
    "font-family": FONT,
  });
  put(root, "title").words(clean(title));
  put(root, "rect", {
    x: 0.5,
    y: 0.5,
    width: width - 1,
    height: height - 1,
    rx: 8,
    fill: CARD,
    stroke: BORDER,
  });
  const room = width - 2 * MARGIN - aside;
  label(root, MARGIN, 32, title, { size: 17, bold: true, room });
  if (subtitle) label(root, MARGIN, 52, subtitle, { size: 13, fill: MUTED, room });
  return root;
}

/** A picture that says why there is nothing in it. */
export function drawNothing(title: string, reason: string): string {
  const root = openCanvas({ width: 1200, height: 150, title, subtitle: "" });
  label(root, 600, 92, reason, { size: 14, fill: MUTED, anchor: "middle", room: 1100 });
  return toXml(root);
}

/** Coordinates keep two decimals: enough for the eye, and the same text on every machine. */
export function round(value: number): number {
  return Math.round(value * 100) / 100 || 0;
}

/** Adds an element. Numbers are rounded. */
export function put(parent: Dom, name: string, attributes: Attributes = {}): Dom {
  const rounded: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    rounded[key] = typeof value === "number" ? round(value) : value;
  }
  return parent.element(name).attr(rounded);
}

export interface LabelStyle {
  size?: number;
  bold?: boolean;
  fill?: string;
  anchor?: "start" | "middle" | "end";
  /** Degrees around (x, y). */
  rotate?: number;
  /** Width in px the text may take; a longer one is shortened and told in full by a tooltip. */
  room?: number;
  /** A white rim that keeps the text readable on top of lines. */
  halo?: boolean;
  /** What the tooltip says, where it is more than the text. */
  tooltip?: string;
}

/** Writes one line of text with its baseline at (x, y). */
export function label(parent: Container, x: number, y: number, text: string, style: LabelStyle = {}): void {
  const { size = 12, bold = false, fill = INK, anchor = "start", room = Infinity } = style;
  const full = clean(text);
  const short = shorten(full, room, size, bold);
  const attributes: Attributes = { x, y, "font-size": size, fill };
  if (anchor !== "start") attributes["text-anchor"] = anchor;
  if (bold) attributes["font-weight"] = 600;
  if (style.rotate) attributes.transform = `rotate(${style.rotate} ${round(x)} ${round(y)})`;
  if (style.halo) Object.assign(attributes, { "paint-order": "stroke", stroke: CARD, "stroke-width": 4 });
  const element = put(parent, "text", attributes).words(short);
  if (style.tooltip || short !== full) tooltip(element, style.tooltip ?? full);
}

/** What a pointer resting on `element` is told. */
export function tooltip(element: Dom, text: string): void {
  put(element, "title").words(clean(text));
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeXml = (text: string) => text.replace(/[&<>"]/g, (letter) => ESCAPES[letter]);

/** The picture as SVG text. Written here and not by the DOM at hand, so that every DOM gives the same bytes. */
export function toXml(root: Svg): string {
  return write(root.node, ' xmlns="http://www.w3.org/2000/svg"');
}

function write(node: Node, namespace = ""): string {
  if (node.nodeType !== 1) return escapeXml(node.nodeValue ?? "");
  const { nodeName, attributes, childNodes } = node as Element;
  const pairs = [...attributes]
    .filter(({ name }) => !name.startsWith("xmlns") && name !== "version")
    .map(({ name, value }) => ` ${name}="${escapeXml(value)}"`);
  const inner = [...childNodes].map((child) => write(child)).join("");
  const open = `${nodeName}${namespace}${pairs.join("")}`;
  return inner ? `<${open}>${inner}</${nodeName}>` : `<${open}/>`;
}
