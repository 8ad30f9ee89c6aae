import { defineConfig } from "vitest/config";

const limits = { testTimeout: 60_000, hookTimeout: 60_000 };

/** Two projects, so that only the tests of the built command line wait for a build. */
export default defineConfig({
  test: {
    maxWorkers: "100%",
    projects: [
      { test: { name: "sdk", include: ["test/**/*.test.ts"], exclude: ["test/cli*.test.ts"], ...limits } },
      { test: { name: "cli", include: ["test/cli*.test.ts"], globalSetup: "test/build.ts", ...limits } },
    ],
  },
});
