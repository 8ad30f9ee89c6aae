/** The learning curves of one split, one number an epoch; empty lists are not drawn. */
export interface CurvesPlot {
  metric: string;
  mean: number[];
  best: number[];
  max: number[];
  criticLoss: number[];
  discriminatorLoss: number[];
  stopped: { epoch: number; reason: string };
}
