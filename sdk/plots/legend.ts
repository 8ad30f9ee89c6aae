import type { Container } from "@svgdotjs/svg.js";
import { label, put, round } from "./canvas.ts";
import { clean, textWidth } from "./text.ts";

export interface LegendEntry {
  text: string;
  color: string;
  mark: "disc" | "ring" | "line" | "dash" | "box";
}

const SIZE = 13;
const MARK = 20;
const BETWEEN = 16;
const LONGEST = 230;
const ROW = 19;

/** Marks with names in up to `rows` rows that end at `right`, the first with its baseline at `y`; the rest is counted. */
export function legend(
  parent: Container,
  place: { right: number; y: number; width: number; rows: number },
  entries: LegendEntry[],
): void {
  const rows: LegendEntry[][] = [[]];
  let hidden = 0;
  for (const entry of entries) {
    const row = rows[rows.length - 1];
    // The last row keeps room for the count of those that follow.
    const room = place.width - (rows.length === place.rows ? 80 : 0);
    if (row.length === 0 || widthOf([...row, entry]) <= room) row.push(entry);
    else if (rows.length < place.rows) rows.push([entry]);
    else hidden++;
  }
  rows.forEach((row, i) => {
    const more = hidden && i === rows.length - 1 ? `+ ${hidden} more` : "";
    drawRow(parent, place.right, place.y + i * ROW, row, more);
  });
}

const entryWidth = ({ text }: LegendEntry) => MARK + Math.min(textWidth(clean(text), SIZE), LONGEST);
const widthOf = (row: LegendEntry[]) =>
  row.reduce((sum, entry) => sum + entryWidth(entry) + BETWEEN, -BETWEEN);

function drawRow(parent: Container, right: number, y: number, row: LegendEntry[], more: string): void {
  if (more) label(parent, right, y, more, { size: SIZE, anchor: "end" });
  let x = right - widthOf(row) - (more ? textWidth(more, SIZE) + BETWEEN : 0);
  for (const entry of row) {
    drawMark(parent, x + 7, y - SIZE * 0.35, entry);
    label(parent, x + MARK, y, entry.text, { size: SIZE, room: LONGEST });
    x += entryWidth(entry) + BETWEEN;
  }
}

function drawMark(parent: Container, x: number, y: number, { mark, color }: LegendEntry): void {
  if (mark === "box") put(parent, "rect", { x: x - 6, y: y - 6, width: 12, height: 12, rx: 2, fill: color });
  else if (mark === "disc") put(parent, "circle", { cx: x, cy: y, r: 5, fill: color });
  else if (mark === "ring") {
    put(parent, "circle", { cx: x, cy: y, r: 4.5, fill: "none", stroke: color, "stroke-width": 1.6 });
  } else {
    const d = `M${round(x - 8)} ${round(y)}h16`;
    const line = put(parent, "path", { d, stroke: color, "stroke-width": 2.5 });
    if (mark === "dash") line.attr("stroke-dasharray", "4 3");
  }
}
