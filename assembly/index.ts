// The exports of the module, nothing else.
export * from "./memory";
