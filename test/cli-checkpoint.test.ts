/** The command line when something goes wrong: what is on disk afterwards, and that a run goes on from it. */
import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  expectRefusal,
  makeit,
  type Outcome,
  type RunOptions,
  readJson,
  smallTable,
  withoutSeconds,
  workplace,
  writeSmallTable,
} from "./cli.ts";

/** Kills to try; 100 took 3 minutes on 2 cores. */
const KILLS = Number(process.env.MAKEIT_KILLS ?? 8);

const place = workplace();
const root = process.getuid?.() === 0;
afterAll(() => place.dispose());

const EPOCHS = 40;
const RUN = [
  ...[
    "--epochs",
    String(EPOCHS),
    "--patience",
    "1000",
    "--splits",
    "2",
    "--samples",
    "10",
    "--batch-size",
    "4",
  ],
  ...["--critic-steps", "5", "--critic-batch", "8", "--rescore", "4", "--vote", "4", "--engine", "wasm"],
];
/** A checkpoint each epoch. */
const OFTEN = ["--checkpoint", "0.001"];

let table: string;
let expected: Map<string, string>;
beforeAll(async () => {
  table = writeSmallTable(place.path("rare.csv"));
  const outcome = await makeit(words("expected", ["--checkpoint", "0"]));
  expect(outcome).toMatchObject({ code: 0 });
  expected = results("expected");
});

function words(out: string, more: readonly string[] = [], jobs = "2"): string[] {
  return ["fit", table, "-t", "rare", ...RUN, "--jobs", jobs, "--out", place.path(out), ...more];
}

/** Goes on with the run in the folder. */
function resumed(out: string, more: readonly string[] = OFTEN, options: RunOptions = {}): Promise<Outcome> {
  return makeit(words(out, ["--resume", place.path(out), ...more]), options);
}

/** Everything that has the same bytes whatever happened on the way; the report without its times and warnings. */
function results(folder: string, { warnings = true } = {}): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of place.files(folder)) {
    const file = place.path(folder, name);
    if (/\.(csv|svg|safetensors)$/.test(name)) found.set(name, readFileSync(file, "latin1"));
  }
  const report = withoutSeconds(readJson(place.path(folder, "report.json"))) as { warnings: string[] };
  if (!warnings) report.warnings = [];
  return found.set("report.json", JSON.stringify(report));
}

function reportOf(folder: string) {
  return readJson(place.path(folder, "report.json")) as {
    warnings: string[];
    failed?: { split: number; failure: string }[];
    splits: { split: number; stopped: { epoch: number; reason: string } }[];
  };
}

/** Nothing but checkpoints, or nothing but results; no temporary folders. */
function expectWhole(folder: string): void {
  const names = place.files(folder);
  expect(names.filter((name) => name.includes(".makeit-"))).toEqual([]);
  expect(names).not.toContain("checkpoint");
  expect(names).toContain("report.html");
}

/** Runs with a checkpoint each epoch; `signal` says what to send when standard error has come so far. */
function signalled(out: string, signal: (stderr: string) => NodeJS.Signals | undefined): Promise<Outcome> {
  const onStderr = (stderr: string, kill: (signal: NodeJS.Signals) => void) => {
    const next = signal(stderr);
    if (next) kill(next);
  };
  return makeit(words(out, OFTEN), { onStderr });
}

const hasBegun = (stderr: string) => /epoch \d/.test(stderr) && !stderr.includes("Interrupted");

describe("kill -9", () => {
  const title = `at ${KILLS} random moments: the run goes on and ends with the same bytes`;
  test(title, { timeout: 60_000 + 20_000 * KILLS }, async () => {
    let [kills, runs, inWrites] = [0, 0, 0];
    const resumedAt: number[] = [];
    while (kills < KILLS) {
      const out = `killed-${runs++}`;
      let ended: Outcome;
      do {
        // One in eight before it trains, the others in what is left of the run; the last is let through.
        const moment =
          kills === KILLS ? undefined : { trains: Math.random() > 1 / 8, ms: 900 * Math.random() };
        ended = await killed(out, moment);
        for (const [, epoch] of ended.stderr.matchAll(/resumed at epoch (\d+)/g))
          resumedAt.push(Number(epoch));
        if (ended.code !== null) break;
        kills++;
        const names = existsSync(place.path(out)) ? place.files(out) : [];
        if (names.some((name) => name.endsWith(".tmp") || name.includes(".makeit-"))) inWrites++;
      } while (ended.code === null);
      expect([ended.code, ended.code === 0 ? "" : ended.stderr]).toEqual([0, ""]);
      expectWhole(out);
      expect(results(out)).toEqual(expected);
      rmSync(place.path(out), { recursive: true });
    }
    console.log(
      `${kills} kills in ${runs} runs, ${inWrites} of them in the middle of a write; ` +
        `${resumedAt.length} splits resumed, at epochs ${resumedAt.sort((a, b) => a - b).join(" ")}`,
    );
    expect(resumedAt.length).toBeGreaterThan(0);
  });

  /** Runs or goes on; `ms` after the start, or after its first write, it is killed: then there is no exit code. */
  async function killed(out: string, moment?: { trains: boolean; ms: number }): Promise<Outcome> {
    const given = [resolve("dist/cli.js"), ...words(out, ["--resume", place.path(out), ...OFTEN])];
    const before = newest(out);
    const child = spawn(process.execPath, given, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Outcome>((done) => {
      child.on("close", (code) => done({ code, stdout: "", stderr }));
    });
    if (moment) {
      while (moment.trains && child.exitCode === null && newest(out) === before) await pause(2);
      await Promise.race([pause(moment.ms), ended]);
      child.kill("SIGKILL");
    }
    return ended;
  }

  /** When a checkpoint was last written. */
  function newest(out: string): number {
    try {
      return statSync(place.path(out, "checkpoint")).mtimeMs;
    } catch {
      return 0;
    }
  }
});

describe("a run that is asked to stop", () => {
  test("by SIGTERM: the best so far is written, exit code 143; it can go on to the same bytes", async () => {
    const { code, stderr } = await signalled("terminated", (said) =>
      hasBegun(said) ? "SIGTERM" : undefined,
    );
    expect(code).toBe(143);
    expect(stderr).toContain(`--resume ${place.path("terminated")} goes on from here`);
    expect(reportOf("terminated").splits[0].stopped.reason).toBe("interrupted");
    const again = await resumed("terminated");
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/resumed at epoch \d+ of split \d\/2/),
    });
    expectWhole("terminated");
    expect(results("terminated")).toEqual(expected);
  });

  test("another run in its folder is refused meanwhile", async () => {
    let second: Promise<Outcome> | undefined;
    // It stands still until it has been asked, as it would be done before the other has started.
    const onStderr = (said: string, kill: (signal: NodeJS.Signals) => void) => {
      if (second || !hasBegun(said)) return;
      kill("SIGSTOP");
      second = makeit(words("shared", ["--resume", place.path("shared")])).finally(() => kill("SIGCONT"));
    };
    const { code } = await makeit(words("shared", OFTEN), { onStderr });
    expect(code).toBe(0);
    expect(await second).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/run\.lock: this folder is in use by process \d+ on /),
    });
    expectWhole("shared");
    expect(results("shared")).toEqual(expected);
  });

  test("by Ctrl-C twice: it leaves at once, and goes on from its checkpoints", async () => {
    const { code, stderr } = await signalled("twice", (said) =>
      hasBegun(said) || said.includes("Interrupted") ? "SIGINT" : undefined,
    );
    expect(code).toBe(130);
    expect(stderr).toContain("--resume goes on from the last checkpoint");
    expect(place.files("twice").filter((name) => !name.startsWith("checkpoint"))).toEqual([]);
    expect(await resumed("twice")).toMatchObject({ code: 0 });
    expectWhole("twice");
    expect(results("twice")).toEqual(expected);
  });
});

describe("a run that was stopped", () => {
  let halfway: string[];
  /** A copy of a run that was killed in the middle. */
  function copy(name: string): string {
    cpSync(place.path("halfway"), place.path(name), { recursive: true });
    return name;
  }
  /** Its files but for the lock of a dead run, which the next one takes over. */
  const unlocked = (out: string) => place.files(out).filter((file) => !file.endsWith("run.lock"));
  const state = (out: string, kind = "state") => place.path(out, "checkpoint", `split-1.${kind}`);

  beforeAll(async () => {
    const given = [resolve("dist/cli.js"), ...words("halfway", OFTEN, "1")];
    const child = spawn(process.execPath, given, { stdio: "ignore" });
    const until = performance.now() + 30_000;
    while (!existsSync(state("halfway", "before")) && performance.now() < until) await pause(5);
    child.kill("SIGKILL");
    await new Promise((done) => child.on("close", done));
    halfway = unlocked("halfway");
    expect(halfway).toContain("checkpoint/split-1.state");
  });

  test("goes on with other jobs, and without a single further checkpoint", async () => {
    const out = copy("other-jobs");
    const { code, stderr } = await resumed(out, ["--checkpoint", "0", "--quiet"]);
    expect([code, stderr]).toEqual([0, ""]);
    expectWhole(out);
    expect(results(out)).toEqual(expected);
  });

  test("is not overwritten by the way, but with --force", async () => {
    const out = copy("forced");
    expectRefusal(await makeit(words(out)), /holds a run that was not finished[\s\S]*--resume/);
    expect(unlocked(out)).toEqual(halfway);
    const { code, stderr } = await makeit(words(out, ["--force"]));
    expect([code, stderr.includes("resumed")]).toEqual([0, false]);
    expectWhole(out);
    expect(results(out)).toEqual(expected);
  });

  test("refuses other options and another table, each named with both values", async () => {
    const out = copy("other");
    const others = ["--epochs", "50", "--lambda", "2.5", "--drop", "colour", "--seed", "7"];
    const rest = RUN.filter((_, i) => RUN[i] !== "--epochs" && RUN[i - 1] !== "--epochs");
    const given = ["fit", table, "-t", "rare", ...rest, ...others, "--resume", place.path(out)];
    const options = await makeit(given);
    expectRefusal(options, "is of another run: ");
    for (const told of [
      "epochs was 40 and is 50",
      "lambda was 1 and is 2.5",
      'drop was not given and is ["colour"]',
      "seed was 1 and is 7",
    ]) {
      expect(options.stderr).toContain(told);
    }
    expect(options.stderr).not.toContain("jobs");
    const changed = place.path("changed.csv");
    writeFileSync(changed, smallTable().replace(/^1/m, "2"));
    const data = await makeit(["fit", changed, "-t", "rare", ...RUN, "--resume", place.path(out)]);
    expectRefusal(data, /is of another run: hash of the table was "\w+" and is "\w+"\.$/m);
    expect(unlocked(out)).toEqual(halfway);
  });

  test("with its last checkpoint damaged goes on from the one before, and says so", async () => {
    const out = copy("damaged");
    damage(state(out));
    const { code, stderr } = await resumed(out);
    expect(stderr).toMatch(
      /warning: .*split-1\.state is damaged: its checksum does not match.* goes on from the one before, epoch \d+/,
    );
    expect(code).toBe(0);
    expect(results(out)).toEqual(expected);
  });

  test("with all of a split's checkpoints damaged is refused, and begins that split anew without them", async () => {
    const out = copy("all-damaged");
    damage(state(out));
    writeFileSync(state(out, "before"), readFileSync(state(out, "before")).subarray(0, 5000));
    expectRefusal(
      await resumed(out),
      /split-1\.state is damaged[\s\S]*Delete .*split-1\.state and .*split-1\.before/,
    );
    rmSync(state(out));
    rmSync(state(out, "before"));
    expect(await resumed(out)).toMatchObject({ code: 0 });
    expect(results(out)).toEqual(expected);
  });

  test("a run's own file that is damaged is refused", async () => {
    const out = copy("no-run");
    damage(place.path(out, "checkpoint/run.identity"));
    expectRefusal(await resumed(out), /run\.identity is damaged/);
  });

  function damage(file: string): void {
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] ^= 4;
    writeFileSync(file, bytes);
  }
});

describe("--resume", () => {
  test("where nothing was saved yet begins anew, for scripts that try until it is done", async () => {
    const { code, stderr } = await makeit(words("none", ["--resume", place.path("none")]));
    expect(stderr).toContain("holds no checkpoint: beginning anew");
    expect(code).toBe(0);
    expect(results("none")).toEqual(expected);
  });

  test("of a finished run leaves it as it is and says so", async () => {
    cpSync(place.path("expected"), place.path("finished"), { recursive: true });
    const { code, stderr } = await resumed("finished");
    expect([code, stderr.trim()]).toEqual([
      0,
      expect.stringContaining("holds a finished run, and nothing is left to do"),
    ]);
    expect(results("finished")).toEqual(expected);
  });

  test.each([
    [["--out", "elsewhere"], /--out is elsewhere and --resume is here/],
    [["--force"], /--resume and --force contradict/],
  ])("with %s is refused", async (more, message) => {
    expectRefusal(await makeit(["fit", table, "-t", "rare", "--resume", "here", ...more]), message);
  });
});

describe("a thread", () => {
  const fault = (what: string, times: number, name: string): RunOptions => {
    const marks = place.path(`marks-${name}`);
    mkdirSync(marks);
    const options = `--require ${resolve("test/faults.cjs")} --max-old-space-size=96`;
    return { env: { NODE_OPTIONS: options, MAKEIT_FAULT: JSON.stringify({ what, epoch: 9, times, marks }) } };
  };
  const STORIES = [
    ["throw", "its thread failed (planted)"],
    ["exit", "its thread ended with code 7"],
    ["memory", "its thread ran out of memory"],
    ["hang", "its thread made no progress for 2 s"],
  ];

  test.each(STORIES)(
    "that breaks once (%s) is run again from its last checkpoint; the report says so",
    async (what, why) => {
      const { code } = await makeit(words(what, [...OFTEN, "--stall", "2"]), fault(what, 1, what));
      expect(code).toBe(0);
      const lines = reportOf(what).warnings.filter((line) => line.includes("run again"));
      expect(lines).toEqual([
        expect.stringMatching(/^(Split \d|The model on all rows): .*; it was run again from epoch (9|10)\.$/),
      ]);
      expect(lines[0]).toContain(why);
      expectWhole(what);
      expect(results(what, { warnings: false })).toEqual(results("expected", { warnings: false }));
    },
  );

  test.each(STORIES.slice(0, 1))(
    "that breaks twice (%s) is left out: exit code 1, the others are whole, and it can go on",
    async (what, why) => {
      const out = `${what}-twice`;
      const alone = words(out, ["--checkpoint", "1000", "--stall", "2"], "1");
      const { code, stderr } = await makeit(alone, fault(what, 2, out));
      expect(code).toBe(1);
      const { failed, warnings, splits } = reportOf(out);
      expect(failed).toEqual([{ split: 1, failure: `${why}; run again, ${why}.` }]);
      expect(warnings).toContain(`Split 1 could not be run: ${failed![0].failure}`);
      expect(splits.map(({ split, stopped }) => [split, stopped])).toEqual([
        [2, { epoch: EPOCHS, reason: "epochs" }],
      ]);
      expect(stderr).toContain("goes on from here");
      const again = await resumed(out);
      expect(again).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("split 2/2 was finished before"),
      });
      expectWhole(out);
      expect(results(out)).toEqual(expected);
    },
  );
});

describe("a disk that fills up", () => {
  /** @param full and `free` change the disk under the run's folder. */
  async function fills(out: string, disk: { full: () => void; free: () => void }, options: RunOptions = {}) {
    const filling = (async () => {
      const saved = () => existsSync(place.path(out, "checkpoint/split-1.before"));
      for (let i = 0; i < 10_000 && !saved(); i++) await pause(3);
      disk.full();
    })();
    const { code, stderr } = await makeit(words(out, OFTEN), options);
    await filling;
    expect(stderr).toMatch(
      /checkpoint of split \d could not be written \(the disk is full\); the run goes on/,
    );
    expect(stderr).toMatch(/cannot be written: the disk is full/);
    expect(code).toBe(2);
    expect(
      place
        .files(out)
        .filter(
          (name) => !/^checkpoint(\/(run\.identity|split-\d\.(state|before|done)))?$|^filler$/.test(name),
        ),
    ).toEqual([]);
    disk.free();
    const again = await resumed(out, OFTEN, options);
    expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/resumed at epoch \d+/) });
    expectWhole(out);
    expect(results(out)).toEqual(expected);
  }

  test("as the system calls say it", async () => {
    const marks = place.path("marks-disk");
    mkdirSync(marks);
    const env = {
      NODE_OPTIONS: `--require ${resolve("test/faults.cjs")}`,
      MAKEIT_FAULT: JSON.stringify({ what: "disk", marks }),
    };
    const mark = join(marks, "full");
    await fills("full", { full: () => writeFileSync(mark, ""), free: () => rmSync(mark) }, { env });
  });

  test.runIf(root && process.platform === "linux")("a real one", async (context) => {
    if (!mount(place.path("disk"))) context.skip("this container may not mount");
    const filler = place.path("disk/run/filler");
    // Again and again: a checkpoint that is replaced gives room back.
    const fill = () => {
      try {
        for (;;) appendFileSync(filler, new Uint8Array(4096));
      } catch {}
    };
    let filling: NodeJS.Timeout | undefined;
    const full = () => {
      fill();
      filling = setInterval(fill, 10);
    };
    const free = () => {
      clearInterval(filling);
      rmSync(filler);
    };
    try {
      await fills("disk/run", { full, free });
    } finally {
      clearInterval(filling);
      execFileSync("umount", [place.path("disk")]);
    }
  });

  function mount(folder: string): boolean {
    mkdirSync(folder);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }
});

test.runIf(process.getuid !== undefined)(
  "an output folder that becomes read-only: the run is kept, and goes on later",
  async () => {
    // Root may write anywhere: somebody else runs it then.
    const [uid, home] = [root ? 65534 : undefined, place.path("theirs")];
    mkdirSync(home);
    chmodSync(place.path(), 0o755);
    if (uid) chownSync(home, uid, uid);
    const csv = join(home, "rare.csv");
    copyFileSync(table, csv);
    const out = join(home, "out");
    const given = ["fit", csv, "-t", "rare", ...RUN, ...OFTEN, "--jobs", "2", "--resume", out];
    const closing = (async () => {
      for (let i = 0; i < 10_000 && !existsSync(join(out, "checkpoint/split-1.before")); i++) await pause(3);
      for (const folder of ["checkpoint", "."]) chmodSync(join(out, folder), 0o555);
    })();
    const { code, stderr } = await makeit(given, { uid });
    await closing;
    expect(stderr).toMatch(/checkpoint of split \d could not be written \(EACCES/);
    expect(stderr).toMatch(/out cannot be written \(EACCES\)/);
    expect(code).toBe(2);
    expect(place.files("theirs/out").filter((name) => !name.startsWith("checkpoint"))).toEqual([]);
    for (const folder of [".", "checkpoint"]) chmodSync(join(out, folder), 0o755);
    expect(await makeit(given, { uid })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("resumed at epoch"),
    });
    expectWhole("theirs/out");
    expect(results("theirs/out")).toEqual(expected);
  },
);

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
