/** Times the engine's kernels, ours beside others in one run. `--json` prints the rows as JSON. */
import { image } from "./kernels/image.ts";
import { logistic } from "./kernels/logistic.ts";
import type { Row, Section } from "./kernels/section.ts";
import { sgemm } from "./kernels/sgemm.ts";
import { tree } from "./kernels/tree.ts";

const sections: Section[] = [sgemm, logistic, tree, image];

const json = process.argv.includes("--json");
const results: { title: string; rows: Row[] }[] = [];
for (const { title, run } of sections) {
  if (!json) console.log(`\n${title}`);
  const rows = await run();
  results.push({ title, rows });
  if (!json) for (const row of rows) console.log(line(row));
}
if (json) console.log(JSON.stringify({ node: process.version, sections: results }, null, 2));

function line({ name, engine, median, min, rate = {}, floor }: Row): string {
  const rates = Object.entries(rate).map(([unit, value]) => `${value.toFixed(1)} ${unit}`);
  const verdict = floor ? `${floor.kept ? "kept" : "MISSED"}: ${floor.bound}` : "";
  const times = `${min.toFixed(3).padStart(10)} ms (median ${median.toFixed(3)})`;
  return `  ${name.padEnd(34)} ${engine.padEnd(10)}${times.padEnd(34)}${rates.join(", ").padEnd(18)}${verdict}`;
}
