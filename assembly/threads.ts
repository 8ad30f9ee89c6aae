// The exports of the first module for several threads: one instance each, in one memory.
export * from "./index";
export { dense_dw_part } from "./dense";
