declare module "ml-cart" {
  /** The parts of ml-cart that the tests and benchmarks use. */
  export class DecisionTreeClassifier {
    constructor(options?: {
      gainFunction?: "gini";
      maxDepth?: number;
      minNumSamples?: number;
      gainThreshold?: number;
    });
    root: CartNode;
    train(features: number[][], labels: number[]): void;
    predict(features: number[][]): number[];
  }

  export interface CartNode {
    splitColumn?: number;
    splitValue?: number;
    left?: CartNode;
    right?: CartNode;
    gain?: number;
    numberSamples?: number;
  }
}
