import type { Container } from "@svgdotjs/svg.js";
import { drawNothing, label, openCanvas, put, tooltip, toXml } from "./canvas.ts";
import { MUTED } from "./colors.ts";
import { clean, formatCount } from "./text.ts";

/** Real and generated images, class by class. Pictures are PNG files as `data:` addresses. */
export interface ImagesPlot {
  /** Pixels of an image. */
  width: number;
  height: number;
  classes: {
    name: string;
    /** How many images there are; a sheet shows some of them. */
    real: number;
    generated: number;
    /** A contact sheet: real images on the left, as many generated ones on the right. */
    sheet: Sheet;
    /** The mean of the real images beside that of the generated ones. */
    mean: Sheet;
  }[];
}

/** Two blocks of images side by side. */
export interface Sheet {
  png: string;
  /** Of the picture, in its own pixels. */
  width: number;
  height: number;
  /** Where the right block begins. */
  right: number;
}

const WIDTH = 1200;
const TOP = 76;
const LEFT = 24;
const HEAD = 48;
const GAP = 26;
/** Where the mean images begin, and how wide sheets and means may get. */
const MEANS = 940;
const ROOM = { sheet: MEANS - LEFT - 36, mean: WIDTH - MEANS - LEFT };

/** A row a class: some real images, some generated ones, and the mean of either. */
export function drawImages({ width, height, classes }: ImagesPlot): string {
  const title = "Real and generated images";
  if (classes.length === 0) return drawNothing(title, "Nothing to draw: there are no classes.");
  const rows = classes.map(({ sheet, mean }) =>
    Math.max(fit(sheet, ROOM.sheet).height, fit(mean, ROOM.mean).height),
  );
  const tall = rows.reduce((sum, row) => sum + HEAD + row + GAP, TOP);
  const subtitle = `${width} × ${height} pixels, an even choice of each class; at the right the mean of all images of the class`;
  const canvas = openCanvas({ width: WIDTH, height: tall, title, subtitle });
  let y = TOP;
  classes.forEach((one, i) => {
    label(canvas, LEFT, y + 16, one.name, { size: 15, bold: true, room: WIDTH - 2 * LEFT });
    drawSheet(canvas, one.sheet, { x: LEFT, y: y + 22, room: ROOM.sheet }, [
      `real, ${shown(one.real)}`,
      `generated, ${shown(one.generated)}`,
    ]);
    drawSheet(canvas, one.mean, { x: MEANS, y: y + 22, room: ROOM.mean }, ["mean, real", "generated"]);
    y += HEAD + rows[i] + GAP;
  });
  return toXml(canvas);
}

const shown = (count: number) => `${formatCount(count)} ${count === 1 ? "image" : "images"}`;

function fit({ width, height }: Sheet, room: number) {
  const scale = Math.min(1, room / width);
  return { scale, width: width * scale, height: height * scale };
}

/** The sheet at (x, y + 24) with a heading over each of its blocks. */
function drawSheet(
  canvas: Container,
  sheet: Sheet,
  { x, y, room }: { x: number; y: number; room: number },
  [left, right]: [string, string],
): void {
  const { scale, width, height } = fit(sheet, room);
  const middle = sheet.right * scale;
  label(canvas, x, y + 16, left, { size: 13, fill: MUTED, room: middle - 6 });
  label(canvas, x + middle, y + 16, right, { size: 13, fill: MUTED, room: width - middle });
  const picture = { x, y: y + 24, width, height, href: sheet.png, "image-rendering": "pixelated" };
  tooltip(put(canvas, "image", picture), clean(`${left}; ${right}`));
}
