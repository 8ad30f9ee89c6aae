/** The networks' steps on Makeit's engine, put together as critic.ts, discriminator.ts and game.ts do. */
import type { Backend, Step, Tensor } from "../../sdk/engine/backend.ts";
import { WasmBackend } from "../../sdk/engine/wasm.ts";
import { Factors } from "../../sdk/factors.ts";
import { LabelViews } from "../../sdk/labels.ts";
import { adam, Generator, Network, type Parameters } from "../../sdk/networks.ts";
import { Random } from "../../sdk/random.ts";
import type { Batch } from "../../sdk/replay.ts";
import {
  CHECKED,
  eachEpoch,
  GENERATORS,
  type GeneratorWork,
  generatorProblem,
  NETWORKS,
  networkProblem,
  SEED,
} from "./problem.ts";
import { type Library, type Outputs, sample, type Task } from "./task.ts";

export const networks: Library = {
  ...Object.fromEntries(Object.keys(NETWORKS).map((name) => [name, () => networkTask(name)])),
  ...Object.fromEntries(Object.keys(GENERATORS).map((name) => [name, () => generatorTask(name)])),
};

/** The critics whose memory can be kept in factors. */
export const factored: Library = Object.fromEntries(
  ["critic-1984", "critic-256"].map((name) => [name, () => networkTask(name, storeFactors)]),
);

/** The same on two threads. */
export const threaded: Library = Object.fromEntries(
  ["critic-1984", "critic-256", "set-critic-4096"].map((name) => [
    name,
    () => networkTask(name, storeWhole, 2),
  ]),
);

/** Puts the work's input where the first layer finds it. */
type Store = (backend: Backend, name: string) => Promise<Batch["input"]>;

const storeWhole: Store = async (backend, name) => {
  const { x } = await networkProblem(name);
  const tensor = backend.alloc(x.data.length);
  backend.write(tensor, x.data);
  return { x: tensor };
};

const storeFactors: Store = async (backend, name) => {
  const { rows } = NETWORKS[name];
  let memory: Factors | undefined;
  await eachEpoch(backend, rows, (source) => {
    memory ??= new Factors(backend, source, rows, 64);
    memory.remember(source.shape.sets);
    backend.submit(memory.store);
  });
  return memory!.batch(rows, true).input;
};

async function networkTask(name: string, store = storeWhole, threads = 1): Promise<Task> {
  const { rows, inputs, layers, loss: kind, learningRate } = NETWORKS[name];
  const backend = await WasmBackend.open({ threads });
  const network = new Network(backend, inputs, layers, adam(learningRate), new Random(SEED));
  const input = await store(backend, name);
  const pass = network.pass(rows, { train: true, gradients: "parameters", ...input });
  const { target } = await networkProblem(name);
  const loss = backend.alloc(1);
  const [goal, length] = [backend.alloc(target.data.length), target.data.length];
  backend.write(goal, target.data);
  const rest = { target: goal, loss, length, scale: 1 };
  const judge =
    kind === "mse"
      ? backend.prepare("mse_grad", { y: pass.y, dy: pass.dy, ...rest })
      : backend.prepare("bce_grad", { z: pass.y, dz: pass.dy, ...rest });
  const gradient = [...pass.forward, judge, ...pass.backward];
  return task(backend, network.parameters, gradient, [loss]);
}

async function generatorTask(name: string): Promise<Task> {
  const work = GENERATORS[name];
  const backend = await WasmBackend.open();
  const { shape, optimizer } = work;
  const generator = new Generator(backend, shape, optimizer, new Random(SEED));
  const { z } = await generatorProblem(name);
  backend.write(generator.z, z.data);
  const labels = new LabelViews(backend, generator, shape.width - 2, 2);
  const losses = [backend.alloc(1)];
  const pull = criticPull(backend, work, generator, labels, losses[0]);
  if (work.discriminator) {
    losses.push(backend.alloc(1));
    pull.push(...discriminatorPull(backend, work, generator, labels, losses[1]));
  }
  const gradient = [...generator.forward, ...labels.forward, ...pull, ...generator.backward];
  return task(backend, generator.parameters, gradient, losses);
}

function criticPull(
  backend: Backend,
  { critic, perRow, shape }: GeneratorWork,
  generator: Generator,
  labels: LabelViews,
  loss: Tensor,
): Step[] {
  const { sets, rows, width } = shape;
  const x = perRow ? labels.view(1) : generator.y;
  const network = new Network(
    backend,
    x.length / sets / (perRow ? rows : 1),
    critic,
    adam(0),
    new Random(SEED + 1),
  );
  const pass = network.pass(perRow ? sets * rows : sets, { train: true, gradients: "input", x });
  const target = ones(backend, sets);
  const index = backend.alloc(sets);
  backend.write(
    index,
    Float32Array.from({ length: sets }, (_, i) => i),
  );
  const copy = { slots: sets, count: sets, length: rows * width, first: 0 };
  return [
    ...pass.forward,
    backend.prepare("mse_grad", { y: pass.y, target, dy: pass.dy, loss, length: sets, scale: 1 }),
    ...pass.backward,
    perRow
      ? labels.gradient(1, pass.dx!, generator.dy)
      : backend.prepare("gather", { x: pass.dx!, index, y: generator.dy, ...copy }),
  ];
}

function discriminatorPull(
  backend: Backend,
  { discriminator, shape }: GeneratorWork,
  generator: Generator,
  labels: LabelViews,
  loss: Tensor,
): Step[] {
  const total = shape.sets * shape.rows;
  const x = labels.view(1);
  const network = new Network(backend, x.length / total, discriminator!, adam(0), new Random(SEED + 2));
  const pass = network.pass(total, { train: true, gradients: "input", x });
  const target = ones(backend, total);
  const dRows = backend.alloc(generator.dy.length);
  return [
    ...pass.forward,
    backend.prepare("bce_grad", { z: pass.y, target, dz: pass.dy, loss, length: total, scale: 1 }),
    ...pass.backward,
    labels.gradient(1, pass.dx!, dRows),
    backend.prepare("add", { x: dRows, y: generator.dy, length: dRows.length, scale: 1 }),
  ];
}

function ones(backend: Backend, length: number): Tensor {
  const tensor = backend.alloc(length);
  backend.write(tensor, new Float32Array(length).fill(1));
  return tensor;
}

async function task(
  backend: Backend,
  parameters: Parameters,
  gradient: readonly Step[],
  losses: readonly Tensor[],
): Promise<Task> {
  const plan = [...gradient, ...parameters.update];
  const step = async () => {
    backend.submit(plan);
    let loss = 0;
    for (const tensor of losses) loss += (await backend.read(tensor))[0];
    return loss;
  };
  const outputs: Outputs = { losses: [] };
  backend.submit(gradient);
  for (const name of parameters.layout.keys())
    outputs[`gradient of ${name}`] = sample(await backend.read(parameters.g(name)));
  for (let i = 0; i < CHECKED; i++) outputs.losses.push(await step());
  return { outputs, step };
}
