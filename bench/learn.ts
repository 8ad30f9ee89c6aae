/**
 * Does the generator learn? Preset `default` with objective `synthetic` and metric ROC-AUC on the first fold, one
 * core, several seeds: the mean score of an epoch's sets over time, and how well the critic predicts the scores of
 * sets it has not seen. `dragan` runs beside it and stays where it starts: that preset is faithful, not improved.
 *
 *   npm run bench:learn -- --data FILE.csv --target class [--seeds 3] [--seconds 90] [--json]
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { resolveSettings, type Settings, type TrainResult, train } from "../sdk/node.ts";
import { mean } from "../sdk/statistics.ts";
import { encodeFold, openFold } from "./fold.ts";

const FLOORS = [
  { seconds: 30, score: 0.85 },
  { seconds: 90, score: 0.9 },
];
/** Epochs that a printed score is the mean of. */
const WINDOW = 10;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    target: { type: "string" },
    positive: { type: "string" },
    seeds: { type: "string", default: "3" },
    seconds: { type: "string", default: "90" },
    "dragan-seconds": { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});

interface Curve {
  seed: number;
  /** Seconds since the start, and mean score, at the end of each epoch. */
  seconds: number[];
  score: number[];
  best: number;
  correlation: number;
}

const problem = await openFold(values);
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const ours: Curve[] = [];
const note = (text: string) => (values.json ? undefined : console.log(text));
note(`${problem.name}: ${problem.rows.length} training rows of the first fold, ${cpus()[0].model}, one core`);
note(`\npreset default, objective synthetic, ROC-AUC; mean over ${WINDOW} epochs of the epoch's mean score`);
note(
  "seed   start   at 10 s   30 s    60 s    90 s    last   best set   epochs   critic's correlation on unseen sets",
);
for (const seed of seeds) {
  const curve = await learn(seed, Number(values.seconds), {
    objective: "synthetic",
    epochs: 100_000,
    patience: 100_000,
  });
  ours.push(curve);
  const at = (s: number) => scoreAt(curve, s).toFixed(3);
  const cells = [
    at(0),
    at(10),
    at(30),
    at(60),
    at(90),
    at(1e9),
    curve.best.toFixed(3),
    String(curve.score.length),
  ];
  note(`${String(seed).padEnd(5)}  ${cells.join("   ")}      ${curve.correlation.toFixed(2)}`);
}
const floors = FLOORS.map(({ seconds, score }) => {
  const reached = mean(ours.map((curve) => scoreAt(curve, seconds)));
  return { seconds, floor: score, reached, first: mean(ours.map((curve) => firstTime(curve, score))) };
});
for (const { seconds, floor, reached, first } of floors) {
  note(
    `within ${seconds} s: ${reached.toFixed(3)} (floor ${floor}); ${floor} first reached after ${first.toFixed(1)} s`,
  );
}
const dragan = await learn(1, Number(values["dragan-seconds"]), { preset: "dragan", epochs: 1750 });
const tenths = Array.from({ length: 10 }, (_, i) => {
  const { length } = dragan.score;
  return mean(
    dragan.score.slice(Math.floor((i * length) / 10), Math.max(1, Math.floor(((i + 1) * length) / 10))),
  );
});
note(
  `\npreset dragan, ${dragan.score.length} epochs by tenths: ${tenths.map((v) => v.toFixed(3)).join(" ")}`,
);
if (values.json)
  console.log(JSON.stringify({ device: cpus()[0].model, data: problem.name, ours, floors, dragan, tenths }));

async function learn(seed: number, seconds: number, options: Partial<Settings>): Promise<Curve> {
  const settings = resolveSettings({ metric: "roc_auc", seed, rescore: 0, ...options });
  const job = { ...encodeFold(problem, settings.scale), settings, seed };
  const started = performance.now();
  const elapsed: number[] = [];
  const result: TrainResult = await train(job, {
    onEpoch: () => void elapsed.push((performance.now() - started) / 1000),
    shouldStop: () => performance.now() - started > seconds * 1000,
  });
  const { history } = result;
  // The correlation while there is still something to tell sets apart by: the whole run's epochs, averaged.
  const correlation = mean(history.criticCorrelation.slice(WINDOW));
  return {
    seed,
    seconds: elapsed,
    score: history.mean,
    best: history.best[history.best.length - 1],
    correlation,
  };
}

/** Mean score of the last WINDOW epochs that ended by then. */
function scoreAt(curve: Curve, seconds: number): number {
  const count = Math.max(1, curve.seconds.filter((t) => t <= seconds).length);
  return mean(curve.score.slice(Math.max(0, count - WINDOW), count));
}

/** When the mean over WINDOW epochs first reached `score`. */
function firstTime(curve: Curve, score: number): number {
  for (let e = WINDOW; e <= curve.score.length; e++) {
    if (mean(curve.score.slice(e - WINDOW, e)) >= score) return curve.seconds[e - 1];
  }
  return Number.POSITIVE_INFINITY;
}
