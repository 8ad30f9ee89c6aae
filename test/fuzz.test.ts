import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/** A minute of one core's time. `npm run fuzz` goes on where this ends. */
const INPUTS = 30_000;
/** Everything that reads what others wrote. */
const READERS = [
  ...["csv", "jsonl", "arff", "sniff", "gzip", "parquet", "image", "list", "npz", "idx", "cifar"],
  ...["model", "checkpoint", "config", "arguments", "json"],
];

test("a minute of hostile files: every reader answers with a table or a proper refusal", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["dist/fuzz/main.js", "--inputs", String(INPUTS), "--jobs", "2"],
    { encoding: "utf8" },
  );
  console.log(stdout);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const lines = stdout.trim().split("\n").slice(0, -1);
  const found = lines.map((line) => /^(\w+) +(\d+) inputs, .* 0 findings$/.exec(line) ?? []);
  expect(found.map(([, name]) => name)).toEqual(READERS);
  const inputs = found.reduce((sum, [, , count]) => sum + Number(count), 0);
  expect(inputs).toBeGreaterThanOrEqual(INPUTS);
}, 480_000);
