/**
 * What λ buys and costs: over several λ, seeds and tables, how closely the generated rows resemble the real training
 * rows (mean distance of columns, difference of correlations, ROC-AUC of telling them apart), and the held-out metric.
 * A seed is a shuffle: its first of five folds is held out. Spearman's correlation of each measure with λ, over the
 * means of tables and seeds, is to be −.9 or less.
 *
 *   npm run bench:lambda -- --data FOLDER [--only A,B] [--lambdas 0,.25,1,4,16] [--seeds 3] [--json FILE]
 */

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { vote } from "../sdk/ballot.ts";
import { fidelity } from "../sdk/evidence.ts";
import type { Labelled } from "../sdk/fidelity.ts";
import { Model } from "../sdk/model.ts";
import { Cpu, openLearner, openMetric, resolveSettings, type Settings, sample, train } from "../sdk/node.ts";
import { stackSets } from "../sdk/split.ts";
import { repeatedSplits } from "../sdk/splits.ts";
import { mean, sd, spearman } from "../sdk/statistics.ts";
import { Encoder } from "../sdk/table/encoder.ts";
import { listData, openData } from "./quality/data.ts";

const FLOOR = -0.9;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    target: { type: "string" },
    only: { type: "string" },
    lambdas: { type: "string", default: "0,0.25,1,4,16" },
    seeds: { type: "string", default: "3" },
    metric: { type: "string", default: "f1" },
    epochs: { type: "string" },
    json: { type: "string" },
  },
});

/** What is measured, of the sets that vote and of fresh draws from the generator. */
const MEASURES = ["distance", "correlation", "detection"] as const;
type Measures = Record<(typeof MEASURES)[number], number>;
interface Row {
  data: string;
  seed: number;
  lambda: number;
  voted: Measures;
  drawn: Measures;
  /** The metric on the held-out rows. */
  score: number;
  epochs: number;
}

const lambdas = values.lambdas.split(",").map(Number);
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const sets = listData(values.data, values.target, values.only?.split(","));
const cpu = await Cpu.open();
const rows: Row[] = [];

console.log(
  `${cpus()[0].model}; ${values.metric}, first of 5 folds held out, ${seeds.length} shuffles a table`,
);
console.log(
  `${"".padEnd(26)}seed  lambda   voted sets: columns  correl.  told   drawn: columns  correl.  told    ${values.metric}`,
);
for (const set of sets) {
  const { table, target } = await openData(set);
  for (const seed of seeds) {
    for (const lambda of lambdas) {
      const settings = resolveSettings({
        lambda,
        seed,
        metric: values.metric as Settings["metric"],
        ...(values.epochs && { epochs: Number(values.epochs) }),
      });
      const row = await measure(set.name, table, target, settings);
      rows.push(row);
      console.log(
        `${set.name.padEnd(26)}${String(seed).padStart(4)}${String(lambda).padStart(8)}${line(row)}`,
      );
    }
  }
}

const of = (lambda: number) => rows.filter((row) => row.lambda === lambda);
console.log("\nmeans over tables and seeds");
for (const lambda of lambdas) {
  const all = of(lambda);
  const average = (from: "voted" | "drawn") =>
    Object.fromEntries(MEASURES.map((name) => [name, mean(all.map((row) => row[from][name]))])) as Measures;
  const score = mean(all.map((row) => row.score));
  console.log(
    `${"".padEnd(30)}${String(lambda).padStart(8)}${line({ voted: average("voted"), drawn: average("drawn"), score })}`,
  );
}
console.log(`\nSpearman with lambda (floor ${FLOOR}): of the means; within a table and seed, mean ± sd`);
const summary = (["voted", "drawn"] as const).flatMap((from) =>
  MEASURES.map((name) => {
    const whole = spearman(
      lambdas,
      lambdas.map((lambda) => mean(of(lambda).map((row) => row[from][name]))),
    );
    const within = sets.flatMap((set) =>
      seeds.map((seed) => {
        const own = rows.filter((row) => row.data === set.name && row.seed === seed);
        return spearman(
          own.map((row) => row.lambda),
          own.map((row) => row[from][name]),
        );
      }),
    );
    const said = whole <= FLOOR ? "" : "  above the floor";
    console.log(
      `${from} ${name}`.padEnd(24) +
        `${whole.toFixed(2)}   ${mean(within).toFixed(2)} ± ${sd(within).toFixed(2)}${said}`,
    );
    return { from, name, whole, within: mean(within) };
  }),
);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ rows, summary }, null, 1)}\n`);

async function measure(
  data: string,
  table: Awaited<ReturnType<typeof openData>>["table"],
  target: string,
  settings: Settings,
): Promise<Row> {
  const { seed, lambda } = settings;
  const labels = Encoder.fit(table, { target }).labels(table);
  const split = repeatedSplits(labels, 5, 1, seed)[0];
  const encoder = Encoder.fit(table, { target, rows: split.train });
  const classes = encoder.classes.length;
  const real: Labelled = { x: encoder.encode(table, split.train), y: encoder.labels(table, split.train) };
  const job = { ...real, classes, settings, seed };
  const trained = await train(job);
  const { voted, generator, history } = trained;
  const learner = openLearner(settings.classifier, classes, cpu);
  const proba = await vote(job, trained, learner, encoder.encode(table, split.test));
  const best = stackSets(voted);
  const fresh = await sample(new Model({ encoder: encoder.toJSON(), generator, voted }, settings), {
    rows: best.y.length,
    seed,
  });
  const judge = async (made: Labelled): Promise<Measures> => {
    const found = await fidelity(encoder, real, made, { cpu, seed });
    return { distance: found.distance, correlation: found.correlation, detection: found.detection ?? 1 };
  };
  return {
    data,
    seed,
    lambda,
    voted: await judge({ x: encoder.snap(best.x), y: best.y }),
    drawn: await judge({ x: encoder.encode(fresh), y: encoder.labels(fresh) }),
    score: openMetric(settings.metric, classes).compute(encoder.labels(table, split.test), proba, classes),
    epochs: history.mean.length,
  };
}

function line({ voted, drawn, score }: Pick<Row, "voted" | "drawn" | "score">): string {
  const cells = [voted, drawn].flatMap((found) => MEASURES.map((name) => found[name].toFixed(3)));
  return [...cells, score.toFixed(3)].map((cell) => cell.padStart(10)).join("");
}
