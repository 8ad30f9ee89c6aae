// Makes data/ from vega-datasets 3.2.1, which gathers public tables; data/README.md says whose they are.
// Usage: npm pack vega-datasets@3.2.1 && tar xzf vega-datasets-3.2.1.tgz && node scripts/data.mjs package/data
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** Each file with the hash that vega-datasets publishes for it: git's, of a blob. */
const FILES = {
  "airports.csv": "608ba6d51fa70584c3fa1d31eb94533302553838",
  "birdstrikes.csv": "1b8b190c9bc02ef7bcbfe5a8a70f61b1616d3f6c",
  "penguins.json": "517b6d3267174b1b65691a37cbd59c1739155866",
  "seattle-weather.csv": "0f38b53bdc1c42c5e5d484f33b9d4d7b229e0e59",
  "unemployment.tsv": "d1aca19c4821fdc3b4270989661a1787d38588d0",
};

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name the folder data of vega-datasets 3.2.1.");
for (const [name, expected] of Object.entries(FILES)) {
  const bytes = readFileSync(join(folder, name));
  const hash = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  if (hash !== expected) throw new Error(`${name} has the hash ${hash}, expected ${expected}.`);
  writeFileSync(fileURLToPath(new URL(`../data/${name}.gz`, import.meta.url)), gzipSync(bytes, { level: 9 }));
}
