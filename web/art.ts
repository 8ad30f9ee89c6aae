/** The picture of the start: many common cases, few rare ones, and rows that are made beside these. */
import { s } from "./dom.ts";

/** Uniform numbers, the same every time. */
function uniform(): () => number {
  let state = 20;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function drawArt(): SVGSVGElement {
  const random = uniform();
  const bell = () => (random() + random() + random() + random() - 2) * 1.2;
  const cloud = (count: number, [x, y]: number[], [dx, dy]: number[]) =>
    Array.from({ length: count }, () => ({ cx: x + dx * bell(), cy: y + dy * bell() }));
  const dots = (name: string, r: number, places: { cx: number; cy: number }[]) =>
    places.map((place, i) => s("circle", { ...place, r, class: name, "data-i": i % 12 }));
  const common = cloud(190, [200, 170], [125, 100]).filter(
    ({ cx, cy }) => cx > 8 && cy > 8 && cx + 0.9 * cy < 480,
  );
  const rare = cloud(9, [385, 290], [48, 42]);
  const made = rare.flatMap(({ cx, cy }) => cloud(5, [cx, cy], [30, 26]));
  return s(
    "svg",
    { viewBox: "0 0 500 400", role: "presentation" },
    dots("common", 5, common),
    s("path", { class: "border", d: "M232 398C262 318 322 232 496 196" }),
    dots("made", 5, made),
    dots("rare", 5, rare),
  );
}
