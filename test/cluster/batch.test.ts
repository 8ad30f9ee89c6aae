/** The scripts for batch systems in docs/, run as those would run them. */
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { workplace, writeSmallTable } from "../cli.ts";

const { parseAllDocuments } = createRequire(import.meta.url)("yaml") as {
  parseAllDocuments(text: string): { errors: unknown[]; toJS(): Manifest }[];
};

interface Manifest {
  kind: string;
  metadata: { name: string };
  data: Record<string, string>;
  spec: {
    completionMode?: string;
    completions: number;
    template: { spec: { containers: { command: string[]; args: string[]; envFrom: unknown[] }[] } };
  };
}

const place = workplace();
afterAll(() => place.dispose());

const OPTIONS =
  "--epochs 4 --samples 10 --batch-size 4 --critic-steps 5 --critic-batch 8 --rescore 4 --vote 4 --engine wasm";
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  const table = writeSmallTable(place.path("rare.csv"));
  mkdirSync(place.path("bin"));
  tool("makeit", `exec "${process.execPath}" "${resolve("dist/cli.js")}" "$@"`);
  // Stand-ins: a batch system that runs at once what it is given.
  tool("srun", 'shift; exec "$@"');
  tool(
    "sbatch",
    `array="" parsable=""
for word; do case $word in --array=*) array=\${word#--array=} ;; --parsable) parsable=1 ;; --*) ;; *) script=$word ;; esac; done
export SLURM_JOB_ID=7
if [ -n "$array" ]; then
  for task in $(seq "\${array%-*}" "\${array#*-}"); do SLURM_ARRAY_TASK_ID=$task bash "$script" >&2 || exit 1; done
else bash "$script" >&2; fi
[ -z "$parsable" ] || echo "7;cluster"`,
  );
  const path = [place.path("bin"), process.env.PATH].join(delimiter);
  env = { ...process.env, PATH: path, TABLE: table, TARGET: "rare", SPLITS: "2", OPTIONS };
});

function tool(name: string, script: string): void {
  writeFileSync(place.path("bin", name), `#!/bin/bash\n${script}\n`);
  chmodSync(place.path("bin", name), 0o755);
}

test.skipIf(process.platform === "win32")("docs/slurm.sh: an array of splits, then the run", async () => {
  execFileSync("bash", ["-n", "docs/slurm.sh"]);
  await promisify(execFile)("bash", ["docs/slurm.sh"], { env: { ...env, OUT: place.path("slurm") } });
  expect(place.files("slurm/parts")).toEqual(["split-0.result", "split-1.result", "split-2.result"]);
  expect(existsSync(place.path("slurm/results/report.html"))).toBe(true);
});

test.skipIf(process.platform === "win32")(
  "docs/kubernetes.yaml: a Job of splits, and one that puts them together",
  async () => {
    const documents = parseAllDocuments(readFileSync("docs/kubernetes.yaml", "utf8"));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const [map, splits, aggregate] = documents.map((document) => document.toJS());
    expect([map.kind, splits.kind, aggregate.kind]).toEqual(["ConfigMap", "Job", "Job"]);
    expect(splits.spec.completionMode).toBe("Indexed");
    expect(splits.spec.completions).toBe(Number(map.data.SPLITS) + 1);
    const given = { ...env, OUT: place.path("kubernetes") };
    const run = ({ spec }: Manifest, more: NodeJS.ProcessEnv = {}) => {
      const [{ command, args, envFrom }] = spec.template.spec.containers;
      expect(envFrom).toEqual([{ configMapRef: { name: map.metadata.name } }]);
      expect(Object.keys(given)).toEqual(expect.arrayContaining(Object.keys(map.data)));
      return promisify(execFile)(command[0], [...command.slice(1), ...args], { env: { ...given, ...more } });
    };
    for (const index of [2, 0, 1]) await run(splits, { JOB_COMPLETION_INDEX: String(index) });
    await run(aggregate);
    expect(existsSync(place.path("kubernetes/results/report.html"))).toBe(true);
  },
);
