import { afterAll, beforeAll, expect, test } from "vitest";
import { makeit, readJson, workplace, writeSmallTable } from "./cli.ts";

const place = workplace();
afterAll(() => place.dispose());

let table: string;
beforeAll(() => {
  table = writeSmallTable(place.path("rare.csv"));
});

const LONG = ["--epochs", "100000", "--patience", "100000", "--splits", "2", "--samples", "16"];

/** Sends signals once the first epochs are told, `count` of them, one after the other. */
function interruptTwice(count: number) {
  let sent = 0;
  return (stderr: string, kill: (signal: NodeJS.Signals) => void) => {
    if (sent === 0 && /epoch \d+/.test(stderr)) {
      sent++;
      kill("SIGINT");
    } else if (sent === 1 && count === 2 && stderr.includes("Interrupted")) {
      sent++;
      kill("SIGINT");
    }
  };
}

test.each([["1"], ["2"]])(
  "Ctrl-C finishes with the best so far and writes everything (%s jobs)",
  async (jobs) => {
    const out = place.path(`out-${jobs}`);
    const words = ["fit", table, "-t", "rare", ...LONG, "--jobs", jobs, "--out", out];
    const { code, stderr, stdout } = await makeit(words, { onStderr: interruptTwice(1) });
    expect(stderr).toContain("Interrupted: finishing with the best so far");
    expect(code).toBe(130);
    const report = readJson(`${out}/report.json`) as {
      splits: { stopped: { epoch: number; reason: string } }[];
    };
    expect(report.splits.length).toBeGreaterThan(0);
    for (const { stopped } of report.splits) {
      expect(stopped.reason).toBe("interrupted");
      expect(stopped.epoch).toBeGreaterThan(0);
    }
    const files = place.files(`out-${jobs}`);
    for (const name of ["model.safetensors", "report.html", "report.json", "split-1", "synthetic.csv"]) {
      expect(files).toContain(name);
    }
    expect(stdout).toContain(out);
    const sampled = await makeit(["sample", `${out}/model.safetensors`, "--rows", "3"]);
    expect(sampled).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^length,weight,colour,rare\n(.+\n){3}$/),
    });
  },
);

test("a second Ctrl-C leaves at once, without checkpoints with nothing written", async () => {
  const short = ["--checkpoint", "0", "--jobs", "2", "--out", place.path("gone/out")];
  const words = ["fit", table, "-t", "rare", ...LONG, ...short];
  const { code, stderr } = await makeit(words, { onStderr: interruptTwice(2) });
  expect(code).toBe(130);
  expect(stderr).toContain("Once more leaves at once, with nothing written.");
  expect(place.files().filter((name) => /gone|\.makeit/.test(name))).toEqual([]);
});

test("--max-seconds ends each split in time, which is no failure", async () => {
  const out = place.path("timed");
  const words = ["fit", table, "-t", "rare", ...LONG, "--jobs", "2", "--max-seconds", "0.5", "--out", out];
  const { code, stderr } = await makeit(words);
  expect(code, stderr).toBe(0);
  const { splits } = readJson(`${out}/report.json`) as {
    splits: { stopped: { epoch: number; reason: string } }[];
  };
  expect(splits.map(({ stopped }) => stopped.reason)).toEqual(["time", "time"]);
  for (const { stopped } of splits) expect(stopped.epoch).toBeGreaterThan(0);
  expect(place.files("timed")).toContain("synthetic.csv");
});
