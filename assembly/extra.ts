// The exports of the second module: what training by default does not need.
export * from "./memory";
export * from "./embedding";
export * from "./image";
export { normal } from "./random";
export { tree_bytes, tree_fit } from "./tree";
