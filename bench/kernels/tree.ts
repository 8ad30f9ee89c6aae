import { Cpu } from "../../sdk/engine/module.ts";
import { fitTree } from "../../sdk/tree.ts";
import { fitCart } from "../cart.ts";
import { diagonal } from "../problems.ts";
import { type Row, type Section, time } from "./section.ts";

/** Trees of depth 4. ml-cart sorts anew at every node: 100,000 rows would take it hours, so it fits the small one. */
export const tree: Section = {
  title: "Decision trees of depth 4, one core",
  async run() {
    const cpu = await Cpu.openExtra();
    const small = diagonal(3353, 8);
    const large = diagonal(100_000, 30);
    const cart = time(() => fitCart(small.x, small.y), { warm: 0, least: 1, budget: 0 });
    const ours = time(() => fitTree(cpu, small.x, small.y, 2));
    const name = "fit 3353×8";
    const rows: Row[] = [
      {
        name,
        engine: "makeit",
        ...ours,
        rate: { "× ml-cart": cart.min / ours.min },
        floor: floor(ours.min, 2),
      },
      { name, engine: "ml-cart", ...cart },
    ];
    const timed = time(() => fitTree(cpu, large.x, large.y, 2), { budget: 1000 });
    rows.push({ name: "fit 100000×30", engine: "makeit", ...timed, floor: floor(timed.min, 100) });
    return rows;
  },
};

function floor(found: number, most: number): Row["floor"] {
  return { bound: `≤ ${most} ms`, kept: found <= most };
}
