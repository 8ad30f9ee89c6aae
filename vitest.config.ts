import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { findRedis, NO_REDIS } from "./scripts/redis.mjs";
import { playwright, tools } from "./scripts/tools.mjs";

const { browser, gpu, missing } = await tools();
// What a machine lacks is said and left out, except where it would go unseen.
if (missing.length > 0 && process.env.CI) throw new Error(missing.join("\n"));
for (const line of missing) console.warn(line);

const limits = { testTimeout: 60_000, hookTimeout: 60_000, env: gpu };
const CLI = "test/cli*.test.ts";
const FUZZ = "test/fuzz.test.ts";
const WEBGPU = "test/webgpu*.test.ts";

/** Apart by what they need: `cli` and `pages` wait for a build, `consumers` packs it, `cluster` has a Redis server, `gpu` runs on WebGPU, `pages` drives
 * a browser, `browser` runs in it. */
const projects: TestProjectInlineConfiguration[] = [
  {
    test: {
      name: "sdk",
      include: ["test/**/*.test.ts"],
      exclude: [CLI, FUZZ, WEBGPU, "test/browser/**", "test/cluster/**", "test/consumers/**"],
      ...limits,
    },
  },
  { test: { name: "cli", include: [CLI, FUZZ], globalSetup: "test/build.ts", ...limits } },
  {
    test: {
      name: "consumers",
      include: ["test/consumers/*.test.ts"],
      globalSetup: ["test/build.ts", "test/consumers/setup.ts"],
      ...limits,
    },
  },
];
if (findRedis()) {
  projects.push({
    test: {
      name: "cluster",
      include: ["test/cluster/*.test.ts"],
      globalSetup: ["test/build.ts", "test/cluster/setup.ts"],
      ...limits,
      testTimeout: 180_000,
      fileParallelism: false,
    },
  });
} else console.warn(NO_REDIS);
if (gpu) projects.push({ test: { name: "gpu", include: [WEBGPU], ...limits } });
if (browser) {
  projects.push({
    test: { name: "pages", include: ["test/browser/*.test.ts"], globalSetup: "test/build.ts", ...limits },
  });
  projects.push({
    cacheDir: "test/browser/node_modules/.cache/vite",
    test: {
      name: "browser",
      include: ["test/browser/inside/*.test.ts"],
      browser: {
        enabled: true,
        headless: true,
        provider: await playwright(browser),
        instances: [{ browser: "chromium" }],
        screenshotFailures: false,
      },
      ...limits,
    },
  });
}

export default defineConfig({ test: { maxWorkers: "100%", projects } });
