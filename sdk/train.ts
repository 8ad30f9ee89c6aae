/** One split: the training loop, from top to bottom. */
import { type Learner, openLearner } from "./classifiers.ts";
import { mean as average, pearson } from "./correlation.ts";
import { criticWork, type OpenMemory } from "./critic.ts";
import { type Backend, canBeLost, type KernelTime } from "./engine/backend.ts";
import { Cpu } from "./engine/module.ts";
import { openBackend } from "./engine/open.ts";
import { WasmBackend } from "./engine/wasm.ts";
import { MakeitError } from "./errors.ts";
import { Game, type GameState, generatorShape, type Losses } from "./game.ts";
import type { Matrix } from "./matrix.ts";
import { type Metric, openMetric, type Ranker } from "./metrics.ts";
import { derive, PURPOSE, Random } from "./random.ts";
import { cpuRanker } from "./ranking.ts";
import type { EngineSpan, History, Stopped } from "./result.ts";
import { type LabelledSet, labelSet, openScorer, type Scorer } from "./score.ts";
import { type Settings, sampleCount } from "./settings.ts";
import { best, newProgress, type Progress, type Saved, type TrainState } from "./state.ts";

/** Encoded training rows and what to do with them; nothing of the held-out rows is here. */
export interface TrainJob {
  /** (rows, features), encoded by an encoder that has seen these rows only. */
  x: Matrix;
  y: Int32Array;
  classes: number;
  settings: Settings;
  seed: number;
}

export interface TrainHooks {
  /** Called after each epoch, and awaited: a place to let the event loop turn. */
  onEpoch?: (epoch: number, score: number, best: number) => void | Promise<void>;
  /** True asks to stop after this epoch with the best so far. */
  shouldStop?: () => boolean;
  /** Goes on from there; it is the training's from then on. */
  from?: Saved | undefined;
  /**
   * Called after each epoch that counts, and awaited: the moment to save it. `read` gives what to save, to be used
   * before the hook returns; `better` says that the best score has risen.
   */
  onState?: (read: () => Promise<Saved>, better: boolean) => void | Promise<void>;
}

/** A generated set and its score (after re-scoring, where that is on). */
export interface ScoredSet extends LabelledSet {
  score: number;
}

/** What `sample` needs to draw more sets. */
export interface GeneratorState {
  rows: number;
  width: number;
  rank: number;
  noise: number;
  /** Standard deviation of each noise component. */
  noiseSd: Float32Array;
  weights: Record<string, Float32Array>;
}

export interface TrainResult {
  history: History;
  stopped: Stopped;
  /** The sets whose classifiers vote, best first. */
  voted: ScoredSet[];
  /** What the vote's probabilities are multiplied with, one a class, of mean 1: where its threshold lies. */
  factors: Float64Array;
  /**
   * The vote's score on the training rows (higher is better), out of fold, mean over draws of folds. A little high: the sets were
   * found on these rows. Where nothing was scored again it is the best set's score, which is higher still.
   */
  outOfFold: number;
  /** The generator that made the last epoch's sets: the one that learnt longest. */
  generator: GeneratorState;
  /** The engine that computed it; more than one where the first was lost. */
  engines: EngineSpan[];
  /** The time of the kernels, where `profile` is set: on the last engine. */
  kernels: KernelTime[];
}

/** What comes of a vote. */
export type Ballot = Pick<TrainResult, "voted" | "factors" | "outOfFold">;

/** Opens the engine that training computes on. */
export type OpenEngine = (job: TrainJob) => Promise<Backend>;

/** The one place that chooses the engine. */
const openEngine: OpenEngine = ({ settings, x }) =>
  openBackend({ ...settings, work: criticWork(settings, x.rows, x.cols) });

/**
 * Trains generator, critic and discriminator on one split's training rows. Where the engine is lost on the way, the
 * WASM engine goes on from the last completed epoch.
 * @throws MakeitError when the first epoch already diverges; later ones stop with the best so far.
 */
export async function train(
  job: TrainJob,
  hooks: TrainHooks = {},
  open: OpenEngine = openEngine,
): Promise<TrainResult> {
  const { from } = hooks;
  const engines: EngineSpan[] = [...(from?.engines ?? [])];
  let backend = await (engines.length > 1 ? WasmBackend.open() : open(job)); // the first was lost before
  if (!from) engines.push({ engine: backend.name, from: 1 });
  let trainer: Trainer | undefined;
  for (;;) {
    try {
      trainer = await Trainer.open(backend, job, trainer?.kept ?? from?.state);
      return { ...(await trainer.run(hooks, engines)), engines, kernels: await backend.times() };
    } catch (error) {
      if (!(error instanceof MakeitError && error.code === "lost")) throw error;
      if (!canBeLost(backend)) throw (await import("./engine/unavailable.ts")).nowhereToGo(engines, error);
      engines.push({ engine: "wasm", from: (trainer?.kept?.progress.epoch ?? 0) + 1, reason: error.message });
    } finally {
      backend.dispose();
    }
    backend = await WasmBackend.open();
  }
}

/** Epochs over which the critic's predictions on new sets are compared with their scores. */
const CORRELATION_WINDOW = 10;

/** Epochs from one look at how the networks are to the next: on a GPU a look reads what training does not. */
const LOOK_EVERY = 10;
const HEALTH = ["deadUnits", "discriminatorAccuracy", "diversity"] as const;

/** One split's training on one engine, epoch by epoch; it can begin at any epoch's state. */
export class Trainer {
  /** The last completed epoch's state, where the engine can be lost; elsewhere nothing is kept. */
  kept: TrainState | undefined;
  readonly #job: TrainJob;
  readonly #rows: number;
  readonly #keeps: boolean;
  readonly #learner: Learner;
  readonly #ranker: Ranker;
  readonly #metric: Metric;
  readonly #scorer: Scorer;
  readonly #random: Random;
  readonly #folds: Random;
  readonly #game: Game;
  readonly #progress: Progress;
  readonly #started: number;
  /** Where `folds` was before the folds in use were drawn. */
  #foldsFrom = 0;

  private constructor(
    backend: Backend,
    cpu: Cpu,
    job: TrainJob,
    { rows, random, game, state }: { rows: number; random: Random; game: Game; state?: TrainState },
  ) {
    const { settings, x, y, classes, seed } = job;
    const { classifier, treeDepth: maxDepth, trees, weight } = settings;
    const learner = openLearner(classifier, classes, cpu, { maxDepth, trees, warmStart: true });
    this.#ranker = cpuRanker(cpu);
    const metric = openMetric(settings.metric, classes, this.#ranker);
    this.#metric = metric;
    this.#job = job;
    this.#rows = rows;
    this.#progress = state?.progress ?? newProgress();
    this.#started = performance.now() - 1000 * this.#progress.seconds;
    this.#keeps = canBeLost(backend);
    this.#learner = learner;
    this.#scorer = openScorer({ x, y, classes, learner, metric, weight }, { ...settings, rows });
    this.#random = random;
    this.#folds = new Random(derive(seed, PURPOSE.folds));
    this.#game = game;
    if (state) {
      this.#random.state = state.random;
      this.#folds.state = state.folds;
      if (state.learner) learner.state = state.learner;
    }
    if (this.#keeps) this.kept = state;
    this.#drawFolds();
  }

  /** Begins anew, or after the epoch whose `state` is given; the state is the trainer's from then on. */
  static async open(backend: Backend, job: TrainJob, state?: TrainState): Promise<Trainer> {
    const cpu = await Cpu.open();
    const random = new Random(derive(job.seed, PURPOSE.train));
    const rows = sampleCount(job.settings.samples, job.x.rows);
    const opening = { rows, random, state: state?.game, memory: await memoryOf(job, rows) };
    const game = await Game.open(backend, cpu, job, opening);
    return new Trainer(backend, cpu, job, { rows, random, game, state });
  }

  /** Epochs until there is a reason to stop, then the vote. */
  async run(
    hooks: TrainHooks = {},
    engines: EngineSpan[] = [],
  ): Promise<Omit<TrainResult, "engines" | "kernels">> {
    const progress = this.#progress;
    const read = async () => ({ state: await this.state(), engines });
    // What goes on may have been saved after its last epoch.
    let reason = this.#ended();
    while (!reason) {
      if (!(await this.epoch())) {
        reason = "diverged";
        break;
      }
      await hooks.onEpoch?.(progress.epoch, progress.history.mean.at(-1)!, progress.best);
      await hooks.onState?.(read, progress.sinceBest === 0);
      reason = hooks.shouldStop?.() ? "interrupted" : this.#ended();
    }
    const ballot = await this.#vote(reason === "interrupted");
    const { epoch, history, generator } = progress;
    return { history, stopped: { epoch, reason }, ...ballot, generator: generator! };
  }

  /** Why there is no further epoch. */
  #ended(): Stopped["reason"] | undefined {
    const { epochs, patience, maxSeconds } = this.#job.settings;
    const { epoch, sinceBest, seconds } = this.#progress;
    if (sinceBest >= patience) return "patience";
    if (maxSeconds > 0 && seconds > maxSeconds) return "time";
    return epoch >= epochs ? "epochs" : undefined;
  }

  /**
   * One epoch, whole or not at all: when it fails, what was found before and `kept` are as they were.
   * @returns its losses; nothing when something in it is not finite, and the epoch does not count.
   */
  async epoch(): Promise<Losses | undefined> {
    const { settings, x, classes } = this.#job;
    const progress = this.#progress;

    // 1. Generate a batch of sets, and ask the critic before it has seen them. Keep the generator that made them.
    const [{ sets: raw, predicted }, generator] = await Promise.all([
      this.#game.generate(),
      this.#game.snapshot(),
    ]);

    // 2. Score each set with the discrete metric, and train: the critic on the memory, the discriminator on real against
    // generated, the generator on both.
    if (settings.freshFolds && progress.epoch > 0) this.#drawFolds();
    const sets = raw.map((set) => labelSet(set, this.#rows, x.cols, classes));
    const scores: number[] = [];
    const targets = await this.#game.learn(progress.epoch, sets, async (i) => {
      scores[i] = allFinite(sets[i].x.data) ? await this.#scorer.score(sets[i]) : Number.NaN;
      return scores[i];
    });
    const mean = average(scores);
    // The predictions show what broke in the critic, or on the way to it, in the epoch before.
    if (![mean, ...targets, ...predicted].every(Number.isFinite)) return this.#diverged();

    const [losses, game, health] = await Promise.all([
      this.#game.losses(),
      this.#keeps ? this.#game.state() : undefined,
      progress.epoch % LOOK_EVERY === 0 ? this.#game.health() : undefined,
    ]);
    if (!losses.finite) return this.#diverged();

    // 3. Take stock. From here on nothing waits and nothing fails.
    const max = Math.max(...scores);
    progress.generator = generator;
    progress.sinceBest = max > progress.best + settings.minDelta ? 0 : progress.sinceBest + 1;
    progress.best = Math.max(progress.best, max);
    const scored = sets.map((set, i) => ({ ...set, score: scores[i] }));
    progress.candidates = choose([...progress.candidates, ...scored], settings);
    progress.window = [...progress.window, { predicted, scores: targets }].slice(-CORRELATION_WINDOW);
    const { history } = progress;
    history.mean.push(mean);
    history.max.push(max);
    history.best.push(progress.best);
    history.criticLoss.push(losses.critic);
    history.discriminatorLoss.push(losses.discriminator);
    history.criticCorrelation.push(correlation(progress.window));
    for (const name of HEALTH) history[name].push(health?.[name] ?? history[name][progress.epoch - 1]);
    progress.epoch++;
    progress.seconds = (performance.now() - this.#started) / 1000;
    if (game) this.kept = this.#stateWith(game);
    return losses;
  }

  /** Everything that the next epoch depends on. It shares the trainer's lists: clone it to keep it for longer. */
  async state(): Promise<TrainState> {
    return this.kept ?? this.#stateWith(await this.#game.state());
  }

  /** The epoch does not count; without one before it there is nothing to keep. */
  #diverged(): undefined {
    if (!this.#progress.generator) throw diverged();
  }

  #stateWith(game: GameState): TrainState {
    return {
      progress: this.#progress,
      game,
      random: this.#random.state,
      folds: this.#foldsFrom,
      learner: this.#learner.state,
    };
  }

  #drawFolds(): void {
    this.#foldsFrom = this.#folds.state;
    this.#scorer.draw(this.#folds);
  }

  /** The sets whose classifiers vote, best first, where their vote decides, and what it is worth out of fold. */
  async #vote(interrupted: boolean): Promise<Ballot> {
    const { classes, settings } = this.#job;
    const { candidates } = this.#progress;
    if (settings.rescore === 0 || interrupted) {
      const voted = best(candidates, settings.vote);
      return { voted, factors: new Float64Array(classes).fill(1), outOfFold: voted[0].score };
    }
    const { elect } = await import("./ballot.ts");
    return elect(candidates, {
      scorer: this.#scorer,
      metric: this.#metric,
      ranker: this.#ranker,
      classes,
      settings,
      random: this.#folds,
    });
  }
}

/** The critic's memory, where it is another than the usual one; loaded when it is. */
export async function memoryOf(job: TrainJob, rows: number): Promise<OpenMemory | undefined> {
  const { settings } = job;
  if (settings.critic !== "flat") return undefined;
  const { Factors, factorable } = await import("./factors.ts");
  if (!factorable(settings, generatorShape(job, rows))) return undefined;
  return (backend, generator, capacity) => new Factors(backend, generator, capacity, settings.criticWidth);
}

/** The best sets, and the last ones, in the order in which they were made. */
function choose(sets: ScoredSet[], { rescore, vote }: Settings): ScoredSet[] {
  const top = new Set(best(sets, Math.max(rescore, vote)));
  return sets.filter((set, i) => top.has(set) || i >= sets.length - rescore);
}

function correlation(window: { predicted: number[]; scores: number[] }[]): number {
  // Within epochs, so that a drift of the level alone does not count as insight.
  const centred = (values: number[]) => {
    const mean = average(values);
    return values.map((value) => value - mean);
  };
  const predicted = window.flatMap((epoch) => centred(epoch.predicted));
  const scores = window.flatMap((epoch) => centred(epoch.scores));
  return pearson(predicted, scores) || 0; // NaN where nothing varies
}

function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * 0; // NaN or Infinity makes it NaN
  return sum === 0;
}

function diverged(): MakeitError {
  return new MakeitError(
    "diverged",
    "The first epoch diverged: sets, scores or losses are not finite.",
    "Lower the learning rates or noiseSd, and standardise the columns (scale).",
  );
}
