/** A run over many machines: a real Redis server, workers that are killed, fail and come back, the bytes of a local run. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readJson, withoutSeconds, workplace, writeSmallTable } from "../cli.ts";
import {
  endAll,
  freePort,
  type Machine,
  type MachineOptions,
  pause,
  plainRedis,
  start,
  startObjects,
  startRedis,
} from "./machines.ts";

const place = workplace();
afterEach(() => endAll());
afterAll(() => place.dispose());

const RUN = [
  ...["--patience", "1000", "--samples", "10", "--batch-size", "4", "--critic-steps", "5"],
  ...["--critic-batch", "8", "--rescore", "4", "--vote", "4", "--engine", "wasm"],
];
const LONG = ["--epochs", "120", "--splits", "10", "--checkpoint", "0.1"];
const SHORT = ["--epochs", "4", "--splits", "2"];

let table: string;
beforeAll(async () => {
  table = writeSmallTable(place.path("rare.csv"));
  const runs = [local("local", LONG), local("local-short", SHORT)];
  for (const run of runs) expect(await run.ended, run.stderr).toBe(0);
});

function local(out: string, more: readonly string[]): Machine {
  return start(["fit", table, "-t", "rare", ...RUN, ...more, "--out", place.path(out), "--quiet"]);
}

interface Site {
  redis: string;
  store: string;
}

const words = ({ redis, store }: Site) => ["--queue", redis, "--store", store];

function fit(site: Site, out: string, more: readonly string[] = SHORT, options?: MachineOptions): Machine {
  return start(
    ["fit", table, "-t", "rare", ...RUN, ...more, ...words(site), "--out", place.path(out)],
    options,
  );
}

function worker(site: Site, more: readonly string[] = [], options?: MachineOptions): Machine {
  return start(["worker", ...words(site), "--jobs", "1", "--lease", "4", ...more], options);
}

async function newSite(name: string): Promise<Site> {
  return { redis: await plainRedis(), store: place.path(`store-${name}`) };
}

/** A thread of the process breaks at that epoch, so many times. */
function fault(name: string, times: number): MachineOptions {
  const marks = place.path(`marks-${name}`);
  mkdirSync(marks);
  const env = {
    NODE_OPTIONS: `--require ${resolve("test/faults.cjs")}`,
    MAKEIT_FAULT: JSON.stringify({ what: "throw", epoch: 4, times, marks }),
  };
  return { env };
}

/** Every file of the local run is there with the same bytes; of the reports all but the times. */
function expectSame(out: string, expected: string): void {
  const files = (folder: string) =>
    place.files(folder).filter((name) => statSync(place.path(folder, name)).isFile());
  expect(files(out).filter((name) => name !== "queue.json")).toEqual(files(expected));
  for (const name of files(expected)) {
    const [one, other] = [place.path(out, name), place.path(expected, name)];
    if (name === "report.json")
      expect(withoutSeconds(readJson(one))).toEqual(withoutSeconds(readJson(other)));
    else if (name === "report.html") expect(timeless(one)).toBe(timeless(other));
    else expect(readFileSync(one).equals(readFileSync(other)), name).toBe(true);
  }
}

function timeless(file: string): string {
  const html = readFileSync(file, "utf8");
  return html.replace(/<td[^>]*>\d+\.\d<\/td>(?=\s*<\/tr>)/g, "").replace(/, \d+\.\d seconds/g, "");
}

/** The split that a worker is at, once a checkpoint of it is in the store. */
async function inTraining(machine: Machine, { store }: Site): Promise<string> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const [, split] = [...machine.stderr.matchAll(/Beginning split (\d+)/g)].at(-1) ?? [];
    const notes = existsSync(`${store}/notes`) ? readdirSync(`${store}/notes`) : [];
    if (split && notes.some((name) => name.endsWith(`-split-${split}.state`))) return split;
    await pause(5);
  }
  throw new Error(`No checkpoint reached the store:\n${machine.stderr}`);
}

/** The split that a worker that has ended had begun and not finished: it may have come further than was seen. */
function unfinished({ stderr }: Machine): string {
  const begun = [...stderr.matchAll(/Beginning split (\d+)/g)].map(([, split]) => split);
  const left = begun.filter((split) => !stderr.includes(`Finished split ${split}/`));
  expect(left, stderr).toHaveLength(1);
  return left[0];
}

interface Story {
  jobs: { split: number; state: string; worker: string; stalled: number; failures: string[] }[];
}

const storyOf = (out: string) => readJson(place.path(out, "queue.json")) as unknown as Story;

describe("ten splits on three workers", () => {
  test("one killed in the middle, one split failing once: the bytes of a local run, and all of it told", async () => {
    const site = await newSite("ten");
    const victim = worker(site);
    const run = fit(site, "ten", LONG);
    await inTraining(victim, site);
    victim.child.kill("SIGKILL");
    await victim.ended;
    const split = unfinished(victim);
    const others = [worker(site), worker(site, [], fault("ten", 1))];

    expect(await run.ended, run.stderr).toBe(0);
    expectSame("ten", "local");
    const goneOn = others.map(({ stderr }) =>
      new RegExp(`Going on with split ${split}/10 .* at epoch (\\d+)`).exec(stderr),
    );
    expect(Number(goneOn.find((found) => found)?.[1])).toBeGreaterThan(1);

    const { jobs } = storyOf("ten");
    expect(jobs.map((job) => [job.split, job.state])).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0].map((number) => [number, "done"]),
    );
    expect(jobs.filter(({ stalled }) => stalled > 0).map((job) => job.split)).toContain(Number(split));
    const [failed, ...more] = jobs.filter(({ failures }) => failures.length > 0);
    expect([failed.failures, more]).toEqual([["its thread failed (planted)"], []]);
    const name = failed.split === 0 ? "The model on all rows" : `Split ${failed.split}`;
    expect(run.stderr).toContain(`Split ${split}: its worker was lost; another takes it up`);
    expect(run.stderr).toContain(`${name} failed (its thread failed (planted)); it is tried again, 2 of 3.`);
    expect(run.stdout).toMatch(
      new RegExp(`stalled and taken up by another: .*split ${split}\\b.*; failed and repeated: `),
    );
    expect(run.stderr).toMatch(/epoch \d+\/120: score/);
    expect(readdirSync(`${site.store}/notes`).filter((file) => file.endsWith(".state"))).toEqual([]);

    const again = fit(site, "again", LONG);
    expect(await again.ended, again.stderr).toBe(0);
    expect(again.stderr).toContain("This run was done before");
    expectSame("again", "local");
    for (const file of ["report.json", "report.html", "queue.json"])
      expect(
        readFileSync(place.path("again", file)).equals(readFileSync(place.path("ten", file))),
        file,
      ).toBe(true);
  });
});

describe("fit on a queue", () => {
  test("waits for workers, leaves at Ctrl-C, and comes back; a worker that is to leave hands its split on", async () => {
    const site = await newSite("leave");
    const first = fit(site, "left", LONG);
    await first.says(/No worker of this version listens on redis:/);
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(130);
    expect(first.stderr).toContain("The run goes on without you; the same command comes back to it");
    expect(existsSync(place.path("left"))).toBe(false);

    const leaving = worker(site);
    await inTraining(leaving, site);
    leaving.child.kill("SIGTERM");
    expect(await leaving.ended, leaving.stderr).toBe(143);
    const handed = unfinished(leaving);
    const second = fit(site, "left", LONG);
    await second.says(/This run is on the queue already/);
    const staying = [worker(site, ["--idle", "3"]), worker(site, ["--idle", "3"])];
    expect(await second.ended, second.stderr).toBe(0);
    expectSame("left", "local");
    expect(storyOf("left").jobs.filter(({ failures }) => failures.length > 0)).toEqual([]);
    expect(staying.map(({ stderr }) => stderr).join()).toMatch(
      new RegExp(`Going on with split ${handed}/10 of rare\\.csv at epoch \\d+`),
    );
    for (const { ended } of staying) expect(await ended).toBe(0);
  });

  test("fails when every split fails for good, says why, and tries again when asked to", async () => {
    const site = await newSite("failing");
    const broken = worker(site, [], fault("failing", 100));
    const run = fit(site, "failing");
    expect(await run.ended).toBe(1);
    expect(run.stderr).toContain("Split 1 has failed for good: its thread failed (planted)");
    expect(run.stderr).toMatch(
      /The run failed: No split could be run\. Split 1: its thread failed \(planted\)/,
    );
    expect(existsSync(place.path("failing"))).toBe(false);
    broken.child.kill("SIGKILL");
    await broken.ended;
    worker(site);
    const again = fit(site, "failing");
    expect(await again.ended, again.stderr).toBe(0);
    expectSame("failing", "local-short");
  });

  test("takes tables and results through an HTTP store, and nothing but names through Redis", async () => {
    const objects = await startObjects(({ headers }) =>
      headers.authorization === "Bearer secret" ? 200 : 403,
    );
    const site = { redis: await plainRedis(), store: `${objects.url}/makeit` };
    const env = { MAKEIT_STORE_HEADERS: "Authorization: Bearer secret" };
    const machine = worker(site, [], { env });
    const run = fit(site, "http", SHORT, { env });
    expect(await run.ended, run.stderr).toBe(0);
    expectSame("http", "local-short");
    expect(objects.requests.filter((line) => line.startsWith("GET /makeit/objects/")).length).toBeGreaterThan(
      3,
    );
    const denied = fit(site, "denied");
    expect(await denied.ended).toBe(1);
    expect(denied.stderr).toMatch(
      /The store http:\/\/127.0.0.1:\d+\/makeit\/ answered 403 to PUT notes\/check/,
    );
    expect(run.stderr + machine.stderr).not.toContain("secret");
  });

  test.skipIf(process.platform === "win32")(
    "with a password and TLS; neither is told, and without either nobody gets in",
    async (context) => {
      const file = (name: string) => place.path(name);
      const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
      const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...subject];
      execFileSync("openssl", [...made, "-keyout", file("key.pem"), "-out", file("cert.pem")], {
        stdio: "ignore",
      });
      const tls = [
        "--tls-cert-file",
        file("cert.pem"),
        "--tls-key-file",
        file("key.pem"),
        "--tls-auth-clients",
        "no",
      ];
      const server = await startRedis((port) => [
        "--port",
        "0",
        "--tls-port",
        `${port}`,
        ...tls,
        "--requirepass",
        "pa:ss w@rd",
      ]);
      if ("trouble" in server)
        return context.skip(`this Redis has no TLS: ${server.trouble.trim().split("\n").at(-1)}`);
      const site = { redis: `rediss://localhost:${server.port}`, store: place.path("store-tls") };
      const env = { NODE_EXTRA_CA_CERTS: file("cert.pem"), MAKEIT_QUEUE_PASSWORD: "pa:ss w@rd" };
      const machine = worker(site, [], { env });
      const inAddress = {
        ...site,
        redis: site.redis.replace("//", `//:${encodeURIComponent("pa:ss w@rd")}@`),
      };
      const run = fit(inAddress, "tls", SHORT, { env: { NODE_EXTRA_CA_CERTS: file("cert.pem") } });
      expect(await run.ended, run.stderr).toBe(0);
      expectSame("tls", "local-short");
      const said = [
        machine.stderr,
        run.stderr,
        run.stdout,
        readFileSync(place.path("tls/queue.json"), "utf8"),
      ].join("\n");
      for (const secret of ["pa:ss", "pa%3Ass"]) expect(said).not.toContain(secret);

      const refused: [Record<string, string>, number, RegExp][] = [
        [
          { ...env, MAKEIT_QUEUE_PASSWORD: "guess" },
          2,
          /lets nobody in with that name and password \(WRONGPASS/,
        ],
        [
          { NODE_EXTRA_CA_CERTS: env.NODE_EXTRA_CA_CERTS },
          2,
          /lets nobody in with that name and password \(NOAUTH/,
        ],
        [{ MAKEIT_QUEUE_PASSWORD: "pa:ss w@rd" }, 1, /cannot be reached \(self-signed certificate/],
      ];
      for (const [other, code, message] of refused) {
        for (const outside of [
          fit(site, "refused", SHORT, { env: other }),
          worker(site, [], { env: other }),
        ]) {
          expect(await outside.ended, outside.stderr).toBe(code);
          expect(outside.stderr).toMatch(message);
          expect(outside.stderr).not.toMatch(/guess|pa:ss/);
        }
      }
    },
  );
});

describe("refused, in one line and one with what to do, is", () => {
  const expectRefused = async (machine: Machine, code: number, message: RegExp, hint: string) => {
    expect(await machine.ended, machine.stderr).toBe(code);
    expect(machine.stderr).toMatch(message);
    expect(machine.stderr).toContain(hint);
    expect(machine.stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(place.path("nothing"))).toBe(false);
  };

  test("a queue where nobody listens", async () => {
    const site = {
      redis: `redis://me:secret@127.0.0.1:${await freePort()}`,
      store: place.path("store-refused"),
    };
    for (const machine of [fit(site, "nothing"), worker(site)]) {
      await expectRefused(
        machine,
        1,
        /redis:\/\/127\.0\.0\.1:\d+ cannot be reached \(.*ECONNREFUSED/,
        "Is redis-server running there?",
      );
      expect(machine.stderr).not.toContain("secret");
    }
  });

  test("a Redis that is too old", async () => {
    const server = createServer((socket) => {
      socket.on("data", (data) => {
        const info = "# Server\r\nredis_version:4.0.9\r\nmaxmemory_policy:noeviction\r\n";
        const commands = data.toString().match(/\*\d+\r\n/g) ?? [];
        const isInfo = /info/i.test(data.toString());
        socket.write(commands.map(() => (isInfo ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n")).join(""));
      });
      socket.on("error", () => {});
    });
    const port = await freePort();
    await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
    try {
      const site = { redis: `redis://127.0.0.1:${port}`, store: place.path("store-old") };
      await expectRefused(
        worker(site),
        2,
        /is too old: Redis version needs to be .* 4\.0\.9/,
        "Take Redis 6.2 or later",
      );
    } finally {
      server.close();
    }
  });

  test("no bullmq", async () => {
    const site = { redis: "redis://127.0.0.1:1", store: place.path("store-none") };
    const none = worker(site, [], { env: { NODE_PATH: "" } });
    await expectRefused(
      none,
      2,
      /A queue needs the package bullmq, which is not installed/,
      "npm install bullmq",
    );
  });

  test.each([
    [
      ["--queue", "http://host", "--store", "x"],
      /--queue is no address of a Redis server/,
      "Expected redis://host:6379",
    ],
    [["--queue", "redis://me:secret@host"], /--queue redis:\/\/host needs a --store/, "Name a folder"],
    [["--store", "x"], /--store goes with --queue/, "Leave it out"],
    [
      ["--queue", "redis://host", "--store", "x", "--resume", "y"],
      /--queue and --resume contradict/,
      "the same command",
    ],
  ])("fit %j", async (more, message, hint) => {
    const machine = start(["fit", table, "-t", "rare", ...RUN, ...more, "--out", place.path("nothing")]);
    await expectRefused(machine, 2, message, hint);
  });

  test("a table that cannot be learnt, before anything is put on the queue", async () => {
    const site = await newSite("input");
    const machine = start(["fit", table, "-t", "colou", ...words(site), "--out", place.path("nothing")]);
    await expectRefused(machine, 2, /has no column "colou"/, 'Did you mean "colour"?');
    expect(existsSync(site.store)).toBe(false);
  });
});
