/** A set of labelled images before they are decoded; every reader gives one. */
import type { Picture } from "../image.ts";

export interface ImageSet {
  /** How many images there are. */
  readonly count: number;
  /** Whether the pictures have one channel. */
  readonly grey: boolean;
  readonly items: Iterable<ImageItem>;
  /** What reading them found worth saying. */
  readonly warnings: readonly string[];
}

export interface ImageItem {
  /** What stands for it in messages. */
  readonly name: string;
  readonly label: string;
  /** @throws MakeitError (input) for an image that cannot be used. */
  picture(): Picture | Promise<Picture>;
}

/** Items one at a time: a few bytes may stand for millions of them. */
export function* itemsOf(count: number, item: (i: number) => ImageItem): Generator<ImageItem> {
  for (let i = 0; i < count; i++) yield item(i);
}
