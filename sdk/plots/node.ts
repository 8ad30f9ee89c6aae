/** Node has no window of its own: pictures are drawn on svgdom's. */
import { getWindow, registerWindow } from "@svgdotjs/svg.js";
import { createSVGWindow } from "svgdom";

/** Gives the plots a document to draw in. Calling it twice is harmless. */
export function registerPlotWindow(): void {
  if (getWindow()) return;
  const window = createSVGWindow();
  registerWindow(window, window.document);
}
