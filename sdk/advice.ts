/** How training went, in a few numbers, each with a line of advice where it is bad. */
import type { Diagnosis, History } from "./result.ts";
import type { Settings } from "./settings.ts";
import { mean } from "./statistics.ts";

/** Fewer epochs than this say nothing yet. */
const EARLIEST = 10;

interface Measure {
  name: Diagnosis["name"];
  title: string;
  values: keyof History;
  /** Whether there is such a thing in this run. */
  there: (settings: Settings) => boolean;
  advice: (value: number, settings: Settings) => string | null;
}

const learns = ({ generatorLearningRate, criticSteps }: Settings) =>
  generatorLearningRate > 0 && criticSteps > 0;

const MEASURES: readonly Measure[] = [
  {
    name: "criticCorrelation",
    title: "critic's correlation with the scores of sets it has not seen",
    values: "criticCorrelation",
    there: learns,
    advice: (value, { criticSteps, samples }) =>
      value < 0.1
        ? `The critic predicts nothing: more critic steps an epoch (criticSteps, now ${criticSteps}) or more epochs, or fewer rows a set (samples, now ${samples}).`
        : null,
  },
  {
    name: "deadUnits",
    title: "share of the critic's units that never fire",
    values: "deadUnits",
    there: learns,
    advice: (value, { criticLearningRate }) =>
      value > 0.5
        ? `Most of the critic's units are dead: a lower criticLearningRate (now ${criticLearningRate}), or a wider critic (criticWidth).`
        : null,
  },
  {
    name: "diversity",
    title: "how much the sets of an epoch differ",
    values: "diversity",
    there: ({ generatorLearningRate }) => generatorLearningRate > 0,
    advice: (value, { noiseSd }) =>
      value < 0.1
        ? `The sets of an epoch are nearly the same: more noise (noiseSd, now ${noiseSd}), or a lower generatorLearningRate.`
        : null,
  },
  {
    name: "discriminatorAccuracy",
    title: "discriminator's accuracy, real against generated rows",
    values: "discriminatorAccuracy",
    there: ({ lambda, discriminatorSteps, frozenEpochs, generatorLearningRate }) =>
      lambda > 0 && discriminatorSteps > 0 && frozenEpochs === 0 && generatorLearningRate > 0,
    advice: (value, { lambda, discriminatorSteps }) => {
      if (value > 0.98) {
        return `The discriminator tells every generated row: more epochs, or a higher lambda (now ${lambda}), bring them closer to the real ones.`;
      }
      return value < 0.52
        ? `The discriminator learns nothing: more steps an epoch (discriminatorSteps, now ${discriminatorSteps}) or a higher discriminatorLearningRate.`
        : null;
    },
  },
];

/**
 * The last half of each training, mean over trainings; advice where that is bad and training was long enough to say.
 * @param histories one a split.
 */
export function diagnose(histories: readonly History[], settings: Settings): Diagnosis[] {
  const long = histories.length > 0 && histories.every((history) => history.mean.length >= EARLIEST);
  return MEASURES.filter(({ there }) => there(settings)).map(({ name, title, values, advice }) => {
    const late = histories.map((history) => {
      const list = history[values];
      return mean(list.slice(Math.floor(list.length / 2)));
    });
    const value = late.length > 0 ? mean(late) : 0;
    return { name, title, value, advice: long ? advice(value, settings) : null };
  });
}
