/** What is timed, who takes part, and what Makeit must reach. */
import { flops, PRODUCTS } from "./products.ts";

export interface Work {
  name: string;
  title: string;
  /** Libraries beside Makeit in a Node process, and in a page; without pages the work is timed in Node alone. */
  node: readonly string[];
  page?: readonly string[];
  /** Whether NumPy does it too. */
  numpy?: boolean;
  /** Operations of a step, where the machine's peak is what ours is compared with. */
  flops?: number;
  floors?: readonly Floor[];
  /** Other ways in which Makeit does it, in the same contest; each gets a row of its own. */
  variants?: readonly Variant[];
}

/** Makeit in another way: what it is called in the table, the side, and its floors. */
export interface Variant {
  title: string;
  side: string;
  floors: readonly Floor[];
}

/** At least so many times as fast as a peer (of the row's own place). */
export interface Floor {
  peer: string;
  least: number;
}

export const NUMPY = "NumPy, 1 thread";
export const PEAK = "native peak";
/** Makeit as it is by default, beside a variant. */
export const OURS = "Makeit by default";

/** ml-cart would take hours for the large tree: it is compared with what so many small ones take us. */
const SMALL = "60 small trees";

const OWN = "tfjs wasm";
const HAND = "tfjs wasm, by hand";
const JAX = "jax-js wasm";
const PAGE = [OWN, HAND, JAX];
const six: Floor[] = [{ peer: OWN, least: 6 }];

export const WORKS: readonly Work[] = [
  {
    name: "critic-1984",
    title: "reference critic step, 1984 sets",
    node: [OWN, HAND, JAX],
    page: [...PAGE, "tfjs wasm, by hand, threads", "jax-js wasm, threads"],
    numpy: true,
    floors: [
      { peer: OWN, least: 8 },
      { peer: JAX, least: 1.9 },
    ],
    variants: [
      {
        title: "on a factored memory",
        side: "makeit, factored",
        floors: [
          { peer: OWN, least: 12.5 },
          { peer: JAX, least: 3 },
          { peer: NUMPY, least: 0.85 },
        ],
      },
      { title: "two threads", side: "makeit, 2 threads", floors: [{ peer: OURS, least: 1.8 }] },
    ],
  },
  {
    name: "critic-256",
    title: "reference critic step, 256 sets",
    node: [OWN, HAND, JAX, "tfjs cpu"],
    page: PAGE,
    numpy: true,
  },
  {
    name: "set-critic",
    title: "set critic step, 64 sets of 64 rows",
    node: [OWN, HAND, JAX, "tfjs cpu"],
    page: PAGE,
    numpy: true,
    floors: six,
  },
  {
    name: "set-critic-4096",
    title: "set critic step, 64 sets of 4096 rows",
    node: [OWN, HAND, JAX],
    page: PAGE,
    numpy: true,
    floors: six,
  },
  {
    name: "generator",
    title: "reference generator step",
    node: [OWN, HAND, JAX, "tfjs cpu"],
    page: PAGE,
    numpy: true,
    floors: six,
  },
  {
    name: "generator-default",
    title: "default generator step",
    node: [OWN, HAND, JAX, "tfjs cpu"],
    page: PAGE,
    numpy: true,
    floors: six,
  },
  {
    name: "discriminator",
    title: "discriminator step, 2048 rows",
    node: [OWN, HAND, JAX, "tfjs cpu"],
    page: PAGE,
    numpy: true,
    floors: six,
  },
  {
    name: "epoch",
    title: "whole default epoch",
    node: [OWN, HAND, "tfjs cpu"],
    page: [OWN, HAND],
    floors: [{ peer: OWN, least: 8 }],
  },
  {
    name: "logistic",
    title: "16 logistic fits, 3,353×8",
    node: ["plain JS"],
    floors: [{ peer: "plain JS", least: 3.5 }],
  },
  { name: "ranking", title: "16 ROC-AUC, 1,870 rows", node: ["plain JS"] },
  {
    name: "tree",
    title: "tree of depth 4, 3,353×8",
    node: ["ml-cart"],
    floors: [{ peer: "ml-cart", least: 1500 }],
  },
  {
    name: "tree-large",
    title: "tree of depth 4, 100,000×30",
    node: [SMALL],
    floors: [{ peer: SMALL, least: 1 }],
  },
  { name: "unfurl", title: "64 pictures of 64×64 unfurled to 16×16", node: ["plain JS", OWN, "tfjs cpu"] },
  ...Object.entries(PRODUCTS).map(([name, product]) => ({
    name,
    title: `${product.kernel} ${product.rows}×${product.inner}×${product.cols}`,
    node: [],
    flops: flops(product),
    floors: [{ peer: PEAK, least: 0.8 }],
  })),
];
