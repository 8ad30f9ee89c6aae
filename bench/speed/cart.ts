/** Trees by ml-cart. */
import { fitCart, predictCart } from "../cart.ts";
import { growing } from "./tables.ts";
import type { Library } from "./task.ts";

export const works: Library = {
  tree: async () =>
    growing(3353, 8, (x, y) => {
      const cart = fitCart(x, y);
      return (x) => predictCart(cart, x);
    }),
};
