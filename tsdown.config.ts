import { defineConfig } from "tsdown";

export default defineConfig([
  {
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
      cli: "./cli/main.ts",
      "bench/kernels": "./bench/kernels.ts",
      "bench/learn": "./bench/learn.ts",
      "bench/quality": "./bench/quality.ts",
      "bench/speed": "./bench/speed.ts",
      "bench/speed/worker": "./bench/speed/worker.ts",
      "bench/speed/page": "./bench/speed/page.ts",
    },
    format: "esm",
    platform: "neutral",
    fixedExtension: false,
    dts: true,
    clean: true,
    copy: [
      "sdk/generated/core.wasm",
      "sdk/generated/extra.wasm",
      { from: "node_modules/papaparse/LICENSE", to: "dist", rename: "papaparse.LICENSE" },
    ],
    // Dependencies stay imports: they are installed beside us. But papaparse is no ES module: inside, CSV is read by
    // a page without a bundler too.
    deps: { neverBundle: [/^node:/, /^(?!papaparse$)[^./]/] },
    inputOptions: { checks: { pluginTimings: false }, resolve: { mainFields: ["module", "main"] } },
  },
]);
