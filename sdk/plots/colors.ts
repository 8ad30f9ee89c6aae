/** Colours of all pictures: a white card, dark ink, and hues that colour-blind readers can tell apart. */
export const INK = "#1f2933";
export const MUTED = "#5f6b76";
export const GRID = "#e4e8ec";
export const AXIS = "#9aa5b1";
export const CARD = "#ffffff";
export const BORDER = "#d9dee3";

/** Real and synthetic rows wherever the two are set against each other. */
export const REAL = "#3d4852";
export const SYNTHETIC = "#e69f00";

/** Okabe and Ito's hues (2008), then three of Tol's for tables with more classes; reused beyond that. */
const CLASSES = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#882255",
  "#999933",
  "#332288",
  "#6b7785",
];

export function classColor(index: number): string {
  return CLASSES[((index % CLASSES.length) + CLASSES.length) % CLASSES.length];
}

const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** `share` of `over` painted on `under`, as one opaque colour. */
export function mix(over: string, share: number, under = CARD): string {
  const a = channels(over);
  const b = channels(under);
  const out = a.map((value, i) => Math.round(value * share + b[i] * (1 - share)));
  return `#${out.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Relative luminance with a gamma of 2 for the true 2.4: enough to compare, and exact everywhere. */
function luminance(color: string): number {
  const [r, g, b] = channels(color).map((value) => (value / 255) ** 2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Ink or white, whichever contrasts more with `background`. */
export function inkOn(background: string): string {
  const ground = luminance(background) + 0.05;
  return ground / (luminance(INK) + 0.05) > 1.05 / ground ? INK : CARD;
}
