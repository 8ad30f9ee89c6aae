// The exports of the second module: what training does not need.
export * from "./memory";
export * from "./embedding";
export { normal } from "./random";
