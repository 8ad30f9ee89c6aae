// The exports of the module, nothing else.
export * from "./memory";
export * from "./dense";
export * from "./layers";
export * from "./losses";
export * from "./optimizers";
export { bits, normal, uniform } from "./random";
