/** A decision tree ready to draw, in the columns' own units. Node 0 is the root; a leaf has no condition. */
export interface TreePlot {
  criterion: "gini" | "entropy";
  classes: string[];
  nodes: {
    /** e.g. "Length ≤ 0.355" or "Sex = M"; true goes left. */
    condition: string | null;
    impurity: number;
    samples: number;
    /** Weighted count per class. */
    value: number[];
    class: number;
    left: number;
    right: number;
  }[];
}
