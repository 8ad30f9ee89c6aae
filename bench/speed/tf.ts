/** The part of TensorFlow.js that its side uses; the package itself is installed with the benchmark's peers. */
export interface Tensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

export interface Variable extends Tensor {
  readonly name: string;
}

export interface Optimizer {
  minimize(loss: () => Tensor, returnCost: true, variables: Variable[]): Tensor;
}

type Operand = Tensor | number;
type Unary = (x: Tensor) => Tensor;
type Binary = (a: Operand, b: Operand) => Tensor;

export interface Tf {
  readonly wasm: { setWasmPaths(path: string): void; setThreadsCount(count: number): void };
  env(): { set(flag: string, value: boolean): void };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(work: () => T): T;
  keep<T extends Tensor>(x: T): T;
  tensor(data: Float32Array | Uint8Array | number[], shape: number[], dtype?: "float32" | "int32"): Tensor;
  variable(initial: Tensor): Variable;
  variableGrads(loss: () => Tensor, variables: Variable[]): { value: Tensor; grads: Record<string, Tensor> };
  /** `save` keeps what the gradient needs: what a function makes on its way is let go when it returns. */
  customGrad(
    f: (
      a: Tensor,
      b: Tensor,
      save: (tensors: Tensor[]) => void,
    ) => { value: Tensor; gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor[] },
  ): (a: Tensor, b: Tensor) => Tensor;
  customGrad(f: (x: Tensor) => { value: Tensor; gradFunc: (dy: Tensor) => Tensor }): (x: Tensor) => Tensor;
  train: {
    adam(rate: number, beta1: number, beta2: number, epsilon: number): Optimizer;
    rmsprop(rate: number, decay: number, momentum: number, epsilon: number): Optimizer;
  };
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  add: Binary;
  sub: Binary;
  mul: Binary;
  div: Binary;
  neg: Unary;
  square: Unary;
  rsqrt: Unary;
  abs: Unary;
  exp: Unary;
  log1p: Unary;
  relu: Unary;
  sigmoid: Unary;
  tanh: Unary;
  leakyRelu(x: Tensor, alpha: number): Tensor;
  mean(x: Tensor, axis?: number): Tensor;
  reshape(x: Tensor, shape: number[]): Tensor;
  transpose(x: Tensor, perm?: number[]): Tensor;
  concat(xs: Tensor[], axis?: number): Tensor;
  slice(x: Tensor, begin: number[], size: number[]): Tensor;
  gather(x: Tensor, indices: Tensor, axis?: number): Tensor;
  avgPool(x: Tensor, size: [number, number], strides: [number, number], pad: "valid"): Tensor;
}
