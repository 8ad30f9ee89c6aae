/** A memory budget: the rehearsal against what an engine really takes, and how a run is made to fit. */
import { expect, test } from "vitest";
import { type Load, rehearse, within } from "../sdk/budget.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { fit, readTable } from "../sdk/index.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { train } from "../sdk/train.ts";
import { toy } from "./toy.ts";

const MB = 2 ** 20;

test.each<Partial<Settings>>([
  { samples: "256" },
  { samples: "200", replay: 128, criticWidth: 128 },
  { noise: 32, preset: "dragan", samples: "200", replay: 48 },
  { noise: 32, preset: "dragan", samples: "200", replay: 48, replayPolicy: "fifo", criticWidth: 64 },
])("the rehearsal takes what the engine takes: %j", async (options) => {
  const quick = { criticSteps: 1, discriminatorSteps: 1, innerFolds: 2, epochs: 7, patience: 7, rescore: 0 };
  const settings = resolveSettings({ ...options, ...quick });
  const job = { ...toy(2, 300), settings, seed: 1 };
  const backend = await WasmBackend.open();
  let bytes = 0;
  const onEpoch = () => {
    bytes = backend.bytes;
  };
  await train(job, { onEpoch }, async () => backend);
  const load = { rows: 300, columns: job.x.cols, classes: 2, table: 0, lanes: 1 };
  const expected = await rehearse(settings, load);
  // Memory grows in pages, and small products pack more than is counted.
  expect(bytes).toBeGreaterThan(0.97 * expected);
  expect(bytes).toBeLessThan(1.03 * expected + MB);
});

const load: Load = { rows: 5000, columns: 20, classes: 2, table: 4 * MB, lanes: 4 };

test("fewer jobs first, then fewer remembered sets, in whole batches", async () => {
  const plan = async (memory: string) => {
    const { settings, sentence } = await within(resolveSettings({ memory, samples: "1024" }), load);
    return { jobs: settings.jobs, replay: settings.replay, sentence };
  };
  const [roomy, less, little] = [await plan("8gb"), await plan("600mb"), await plan("340mb")];
  expect(roomy).toMatchObject({ jobs: 4, replay: 1024 });
  expect(less.jobs).toBeLessThan(4);
  expect(less.replay).toBe(1024);
  expect(little.jobs).toBe(1);
  expect(little.replay).toBeLessThan(1024);
  expect(little.replay % 16).toBe(0);
  expect(little.sentence).toMatch(
    /^Memory: about 3\d\d MB of 340 MB: 1 split at a time, \d+ instead of 1024/,
  );
});

test("how many jobs were asked for has no say in how many sets are remembered", async () => {
  for (const memory of ["8gb", "600mb", "340mb", "290mb"]) {
    const replays = await Promise.all(
      [1, 2, 4].map(async (lanes) => {
        const asked = within(resolveSettings({ memory, samples: "1024" }), {
          ...load,
          table: 40 * MB,
          lanes,
        });
        return (await asked.catch(() => undefined))?.settings.replay;
      }),
    );
    expect(new Set(replays).size).toBe(1);
  }
});

test("what cannot fit is told before the work, with the numbers", async () => {
  const asked = within(resolveSettings({ memory: "120mb", samples: "4096" }), load);
  await expect(asked).rejects.toMatchObject({
    code: "input",
    message: expect.stringMatching(/needs at least \d+ MB; --memory allows 120 MB: .* 4 MB for the table/),
  });
});

test.each(["512", "0mb", "lots", "-1gb"])("a size is a number and a unit: %s", (memory) => {
  expect(() => resolveSettings({ memory })).toThrow(/expected a size such as 512mb/);
});

test("a run says its plan first and keeps to it", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${(i * 5) % 11},${i % 6 === 0 ? "yes" : "no"}`);
  const table = await readTable(`a,b,label\n${rows.join("\n")}\n`);
  const plans: string[] = [];
  const { result } = await fit(table, {
    target: "label",
    memory: "212mb",
    samples: "512",
    splits: 2,
    epochs: 1,
    rescore: 0,
    onPlan: (sentence) => plans.push(sentence),
    onEpoch: () => expect(plans).toHaveLength(1),
  });
  expect(plans[0]).toMatch(/instead of 1024 remembered sets/);
  expect(result.options.replay).toBeLessThan(1024);
});
