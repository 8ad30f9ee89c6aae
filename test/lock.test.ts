/** One run a folder: who has it, and when it is taken from the dead. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LOCK, lockFolder } from "../sdk/lock.ts";
import { removeRun } from "../sdk/node.ts";

let home: string;
const folder = () => join(home, "saves");
const file = () => join(folder(), LOCK);
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "makeit-lock-"));
});
afterEach(() => rmSync(home, { recursive: true }));

function left(owner: object | string): void {
  mkdirSync(folder(), { recursive: true });
  writeFileSync(file(), typeof owner === "string" ? owner : JSON.stringify(owner));
}

const mine = () => JSON.parse(readFileSync(file(), "utf8")) as { pid: number; host: string; born: string };

test("a folder that is taken is refused by the name of who has it, until it is given back", async () => {
  const release = await lockFolder(folder());
  expect(mine()).toMatchObject({ pid: process.pid, host: hostname() });
  await expect(lockFolder(folder())).rejects.toMatchObject({
    code: "input",
    message: `${file()}: this folder is in use by process ${process.pid} on ${hostname()}.`,
    hint: expect.stringContaining("name another folder"),
  });
  release();
  release();
  expect(existsSync(folder())).toBe(false);
  (await lockFolder(folder()))();
});

test("what else is in the folder stays", async () => {
  left("");
  rmSync(file());
  writeFileSync(join(folder(), "run.identity"), "x");
  (await lockFolder(folder()))();
  expect(readdirSync(folder())).toEqual(["run.identity"]);
});

test("the lock of a process that has ended is taken over at once", async () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  left({ pid, host: hostname(), born: "12345" });
  const started = performance.now();
  const release = await lockFolder(folder());
  expect(performance.now() - started).toBeLessThan(1000);
  expect(mine().pid).toBe(process.pid);
  expect(readdirSync(folder())).toEqual([LOCK]);
  release();
});

test.runIf(process.platform === "linux")(
  "a process of the same number that began at another time is another",
  async () => {
    left({ pid: process.pid, host: hostname(), born: "1" });
    const release = await lockFolder(folder());
    expect(mine().born).not.toBe("1");
    release();
  },
);

test("of another machine: taken over when it is not touched any more", async () => {
  left({ pid: 1, host: `not-${hostname()}`, born: "5" });
  let time = 1e9;
  const beat = setInterval(() => utimesSync(file(), ++time, time), 10);
  await expect(lockFolder(folder(), 300)).rejects.toThrow(`in use by process 1 on not-${hostname()}`);
  clearInterval(beat);
  (await lockFolder(folder(), 300))();
  expect(existsSync(folder())).toBe(false);
});

test("cut short by a kill: as of another machine", async () => {
  for (const text of ["", '{"pid":', '{"pid":-1}', "null"]) {
    left(text);
    (await lockFolder(folder(), 20))();
  }
});

test("of several that come at once one gets it", async () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  left({ pid, host: hostname(), born: "12345" });
  const got = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder(), 50)));
  const winners = got.filter((one) => one.status === "fulfilled");
  expect(winners).toHaveLength(1);
  winners[0].value();
});

test("where none can be written there is none", async () => {
  writeFileSync(folder(), "a file");
  await expect(lockFolder(folder())).resolves.toBeInstanceOf(Function);
});

test("removing a run leaves the lock of a living one alone", async () => {
  const release = await lockFolder(folder());
  removeRun(folder());
  expect(existsSync(file())).toBe(true);
  release();
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  left({ pid, host: hostname(), born: "12345" });
  removeRun(folder());
  expect(existsSync(folder())).toBe(false);
});
