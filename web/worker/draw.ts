/** What needs something to draw on, loaded when the first picture or report is asked for. */
import { registerPaper } from "./paper.ts";

export { type Picture, runPictures, splitPictures } from "../../sdk/drawings.ts";
export { outputs } from "../../sdk/outputs.ts";

registerPaper();
