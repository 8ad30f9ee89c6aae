/** Real and synthetic rows in one plane, one panel a method. */
export interface EmbeddingPlot {
  classes: string[];
  panels: {
    /** "PCA" or "t-SNE". */
    title: string;
    axes: [string, string];
    x: number[];
    y: number[];
    class: number[];
    /** 1 where the row is synthetic. */
    synthetic: number[];
  }[];
}
