import { DecisionTreeClassifier } from "ml-cart";
import type { Matrix } from "../sdk/matrix.ts";

/** A tree of depth 4 by ml-cart, grown to the end as ours is. */
export function fitCart(x: Matrix, y: Int32Array): DecisionTreeClassifier {
  const cart = new DecisionTreeClassifier({
    gainFunction: "gini",
    maxDepth: 4,
    minNumSamples: 1,
    gainThreshold: 0,
  });
  cart.train(arrays(x), Array.from(y));
  return cart;
}

export function predictCart(cart: DecisionTreeClassifier, x: Matrix): number[] {
  return cart.predict(arrays(x));
}

function arrays({ data, rows, cols }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * cols, (i + 1) * cols)));
}
