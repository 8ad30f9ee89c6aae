/** What the tests of this folder need, installed on first use: bullmq and what else users of a queue install. */
import { install } from "../../scripts/install.mjs";

export default async function setup(): Promise<void> {
  const missing = await install("test/cluster", {
    what: "what a run over many machines needs (about 16 MB)",
  });
  if (missing) throw new Error(missing);
}
