import { defineConfig, type UserConfig } from "tsdown";

const shared: UserConfig = {
  format: "esm",
  platform: "neutral",
  fixedExtension: false,
  // Dependencies stay imports: they are installed beside us. But papaparse is no ES module: inside, CSV is read by
  // a page without a bundler too.
  deps: { neverBundle: [/^node:/, /^(?!papaparse$)[^./]/] },
  inputOptions: { checks: { pluginTimings: false }, resolve: { mainFields: ["module", "main"] } },
};

/** What is ours alone, by itself, so that nothing of it gets into the package. */
const apart = (folder: string, entry: Record<string, string>): UserConfig => ({
  ...shared,
  entry,
  outDir: `dist/${folder}`,
  dts: false,
  clean: false,
});

export default defineConfig([
  {
    ...shared,
    // With ./, or the types of what is called index.ts go to files of other names.
    entry: {
      index: "./sdk/index.ts",
      node: "./sdk/node.ts",
      images: "./sdk/images/index.ts",
      options: "./sdk/options.ts",
      parquet: "./sdk/parquet.ts",
      plots: "./sdk/plots/index.ts",
      table: "./sdk/table/index.ts",
      worker: "./sdk/worker.ts",
      hand: "./sdk/hand.ts",
      threads: "./sdk/webHands.ts",
      cli: "./cli/main.ts",
    },
    dts: true,
    clean: true,
    copy: [
      "sdk/generated/core.wasm",
      "sdk/generated/extra.wasm",
      { from: "node_modules/papaparse/LICENSE", to: "dist", rename: "papaparse.LICENSE" },
    ],
    // The core in one file: in pieces, shared with what loads later, it would pack worse. No hashes in names: the bundlers
    // of those who build with it add their own, and each name is in the core.
    outputOptions: {
      chunkFileNames: ({ name }) => (name.endsWith(".d") ? "[name]-[hash].js" : "[name].js"),
      codeSplitting: {
        groups: [{ name: "core", test: /\/sdk\/(?:train|result|version|engine\/chunks)\.ts$/ }],
      },
    },
  },
  // A file by itself: bundlers take a worker along only where it is one piece.
  apart(".", { webHand: "./sdk/webHand.ts" }),
  apart("bench", {
    kernels: "./bench/kernels.ts",
    lambda: "./bench/lambda.ts",
    learn: "./bench/learn.ts",
    quality: "./bench/quality.ts",
    scale: "./bench/scale.ts",
    "scale/peak": "./bench/scale/peak.ts",
    "scale/point": "./bench/scale/point.ts",
    "scale/read": "./bench/scale/read.ts",
    speed: "./bench/speed.ts",
    "speed/worker": "./bench/speed/worker.ts",
    "speed/page": "./bench/speed/page.ts",
  }),
  apart("fuzz", { main: "./fuzz/main.ts", worker: "./fuzz/worker.ts" }),
]);
