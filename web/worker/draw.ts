/** What needs something to draw on, loaded when the first picture or report is asked for. */
import { registerPaper } from "./paper.ts";

export { outputs, runPictures } from "../../sdk/outputs.ts";
export { type Picture, splitPictures } from "../../sdk/report.ts";

registerPaper();
