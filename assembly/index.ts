// The exports of the first module: what training by default needs, nothing else.
export * from "./memory";
export { dense, dense_dw, dense_dx, head, head_dh, head_dk } from "./dense";
export * from "./layers";
export * from "./losses";
export * from "./optimizers";
export { bits, normal, uniform } from "./random";
export { logistic_bytes, logistic_fit } from "./logistic";
export { logistic_predict } from "./probability";
export { average_precision, ranking_bytes, roc_auc } from "./ranking";
