/** A run's pictures: which figures of its result go into which plot. All need a document to draw in, as the plots do. */
import { channelNames } from "./image.ts";
import {
  drawCurves,
  drawDistributions,
  drawEmbedding,
  drawHeatmap,
  drawImages,
  drawImportance,
  drawMethods,
  drawPareto,
  drawPixels,
  drawReliability,
  drawTree,
  type ImportanceBar,
} from "./plots/index.ts";
import { METHOD_NAMES, METHODS, type RunResult, type SplitResult } from "./result.ts";
import type { ImageShape } from "./table/table.ts";

const LOWER_IS_BETTER = new Set(["brier", "log_loss"]);
/** Whether a greater value of the metric is the better one. */
export const higherIsBetter = (metric: string): boolean => !LOWER_IS_BETTER.has(metric);

/** The metric against each measure of closeness, a dot a λ. */
export function drawParetoOf({ sweep = [], metric }: RunResult): string {
  return drawPareto({
    metric,
    greaterIsBetter: higherIsBetter(metric),
    measures: ["distance of columns", "difference of correlations", "told from real rows, ROC-AUC"],
    points: sweep.map(({ lambda, score: value, distance, correlation, detection }) => {
      return { lambda, score: value, measures: [distance, correlation, detection ?? Number.NaN] };
    }),
  });
}

/** Probabilities on all held-out rows, before and after. */
export function drawReliabilityOf({ evidence, data }: RunResult): string {
  const { before, after } = evidence.calibration;
  const panels = [
    { title: METHOD_NAMES.none, ...before },
    { title: METHOD_NAMES.makeit, ...after },
  ];
  return drawReliability({ of: data.classes.length === 2 ? data.positive : "the class it names", panels });
}

/** The held-out values of every method, split by split. */
export function drawMethodsOf({ metric, mean, splits }: RunResult): string {
  return drawMethods({
    metric,
    greaterIsBetter: higherIsBetter(metric),
    methods: METHODS.map((method) => ({
      name: METHOD_NAMES[method],
      values: splits.map((split) => split.test[method] ?? Number.NaN),
      mean: mean.test[method] ?? Number.NaN,
    })),
  });
}

/** Every column's importances, averaged over splits. */
export function drawMeanImportancesOf({ metric, mean }: RunResult): string {
  return drawImportance(mean.importances, { metric, title: "Feature importances, mean over splits" });
}

/** Every column's importances, split by split; of images as maps, their mean and spread. */
export function drawImportancesOf(result: RunResult): string {
  const { metric, mean, splits, data } = result;
  const title = "Pixel importances, mean over splits";
  if (data.image) return drawPixelsOf(mean.importances, { metric, image: data.image, title });
  const columns = mean.importances.map(({ column }) => column);
  const values = (key: "impurity" | "permutation") =>
    columns.map((column) =>
      splits.map((split) => split.importances.find((item) => item.column === column)?.[key] ?? Number.NaN),
    );
  return drawHeatmap({
    columns,
    splits: splits.map(({ split }) => String(split)),
    panels: [
      { title: "Impurity decrease (share)", values: values("impurity") },
      { title: `Permutation: drop of ${metric}`, values: values("permutation") },
    ],
  });
}

/** Importances of pixels as maps of the image, with their spread where there is one. */
export function drawPixelsOf(
  importances: readonly ImportanceBar[],
  { metric, image, title = "Pixel importances" }: { metric: string; image: ImageShape; title?: string },
): string {
  const { width, height, channels } = image;
  const named = new Map(importances.map((one) => [one.column, one]));
  const maps = (value: (one: ImportanceBar) => number | undefined) =>
    channelNames(channels).map((channel) =>
      Array.from({ length: width * height }, (_, at) => {
        const one = named.get(`${channel}_${Math.floor(at / width)}_${at % width}`);
        return (one && value(one)) ?? Number.NaN;
      }),
    );
  const drop = `Drop of ${metric} when a pixel is shuffled with its neighbours`;
  const rows = [
    { title: "Impurity decrease in the tree (share)", values: maps((one) => one.impurity) },
    { title: drop, values: maps((one) => one.permutation) },
  ];
  if (importances.some(({ impuritySd }) => impuritySd !== undefined)) {
    rows.splice(1, 0, { title: "Its standard deviation over splits", values: maps((one) => one.impuritySd) });
    rows.push({ title: "Its standard deviation over splits", values: maps((one) => one.permutationSd) });
  }
  const names = channels === 1 ? ["brightness"] : ["red", "green", "blue"];
  const subtitle = "Blue: above zero; vermilion: below; grey: pixels that never change";
  return drawPixels({ title, subtitle, width, height, channels: names, rows });
}

/** A picture that can be drawn: `name` is that of its file. */
export interface Picture {
  name: string;
  title: string;
  draw(): string;
}

/** The pictures of all splits together. */
export function runPictures(result: RunResult): Picture[] {
  const mean = {
    name: "importance",
    title: "mean feature importances",
    draw: () => drawMeanImportancesOf(result),
  };
  return [
    { name: "methods", title: "methods on held-out rows", draw: () => drawMethodsOf(result) },
    {
      name: "reliability",
      title: "reliability of the probabilities",
      draw: () => drawReliabilityOf(result),
    },
    ...(result.sweep ? [{ name: "pareto", title: "what λ trades", draw: () => drawParetoOf(result) }] : []),
    ...(result.data.image ? [] : [mean]), // a bar for each of hundreds of pixels says nothing
    { name: "importances", title: "importances across splits", draw: () => drawImportancesOf(result) },
  ];
}

/** What a split's pictures depend on beside the split. */
export interface PictureOptions {
  metric: string;
  /** The images that the rows are, where they are images. */
  image?: ImageShape | undefined;
}

/** A split's pictures, in the order they are looked at. */
export function splitPictures(split: SplitResult, { metric, image }: PictureOptions): Picture[] {
  const { images, distributions } = split;
  const importance = () =>
    image
      ? drawPixelsOf(split.importances, { metric, image })
      : drawImportance(split.importances, { metric });
  return [
    ...(images
      ? [{ name: "images", title: "real and generated images", draw: () => drawImages(images) }]
      : []),
    { name: "tree", title: "decision tree", draw: () => drawTree(split.tree) },
    { name: "importance", title: "feature importances", draw: importance },
    { name: "curves", title: "learning curves", draw: () => drawCurves(split.curves) },
    { name: "embedding", title: "real and synthetic rows", draw: () => drawEmbedding(split.embedding) },
    { name: "distributions", title: "distributions", draw: () => drawDistributions(distributions) },
  ];
}
