// Builds the page into dist/web: static files that any server can serve. Scripts and style go to a folder named after
// what they hold, so that a browser never mixes two versions; sw.js gets the list of all files to keep.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { build } from "tsdown";

const OUT = "dist/web";
const DEMOS = ["birdstrikes.csv.gz", "seattle-weather.csv.gz", "penguins.json.gz"];

const shared = {
  config: false,
  format: "esm",
  platform: "browser",
  target: "es2022",
  fixedExtension: false,
  dts: false,
  minify: true,
  clean: false,
  report: false,
  logLevel: "warn",
  deps: { alwaysBundle: [/./], onlyBundle: false },
  inputOptions: { checks: { pluginTimings: false } },
};

rmSync(OUT, { recursive: true, force: true });
mkdirSync(`${OUT}/demo`, { recursive: true });
await build({
  ...shared,
  entry: {
    page: "web/main.ts",
    studio: "web/worker/studio.ts",
    split: "web/worker/split.ts",
    webHand: "sdk/webHand.ts",
  },
  outDir: `${OUT}/app`,
});
await build({ ...shared, entry: { sw: "web/sw.ts" }, outDir: OUT });

copyFileSync("web/style.css", `${OUT}/app/style.css`);
copyFileSync("web/icon.svg", `${OUT}/icon.svg`);
for (const name of DEMOS) copyFileSync(`data/${name}`, `${OUT}/demo/${name}`);

const hash = createHash("sha256");
const parts = readdirSync(`${OUT}/app`).sort();
for (const name of parts) hash.update(name).update(readFileSync(`${OUT}/app/${name}`));
const page = readFileSync("web/index.html", "utf8");
const version = hash.update(page).digest("hex").slice(0, 12);
const app = `app-${version}`;
renameSync(`${OUT}/app`, `${OUT}/${app}`);
writeFileSync(`${OUT}/index.html`, page.replaceAll("%APP%", app));

const files = [
  "./",
  "icon.svg",
  ...DEMOS.map((name) => `demo/${name}`),
  ...parts.map((name) => `${app}/${name}`),
];
const constants = `const CACHE=${JSON.stringify(`makeit-${version}`)},FILES=${JSON.stringify(files)};`;
writeFileSync(`${OUT}/sw.js`, constants + readFileSync(`${OUT}/sw.js`, "utf8"));
