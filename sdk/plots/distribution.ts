/** Each column's values, real against synthetic, as shares that sum to 1. */
export interface DistributionPlot {
  columns: {
    name: string;
    /** `histogram`: `edges` has one more entry than the shares; `bars`: one label a share. */
    kind: "histogram" | "bars";
    edges?: number[];
    labels?: string[];
    real: number[];
    synthetic: number[];
  }[];
}
