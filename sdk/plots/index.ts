/**
 * The pictures: each takes plain data and gives an SVG as text, the same bytes for the same data everywhere.
 * They need a document: a browser's, or in Node the one that importing makeit-ai/node brings.
 */

export { type CurvesPlot, drawCurves } from "./curves.ts";
export { type DistributionPlot, drawDistributions } from "./distribution.ts";
export { drawEmbedding, type EmbeddingPlot } from "./embedding.ts";
export { drawHeatmap, type HeatmapPlot } from "./heatmap.ts";
export { drawImages, type ImagesPlot, type Sheet } from "./images.ts";
export { drawImportance, type Importance, type ImportanceBar } from "./importance.ts";
export { drawMethods, type MethodsPlot } from "./methods.ts";
export { drawPareto, type ParetoPlot } from "./pareto.ts";
export { drawPixels, type PixelsPlot } from "./pixels.ts";
export { drawReliability, type ReliabilityPlot } from "./reliability.ts";
export { drawTree, type TreePlot } from "./tree.ts";
