import type { Cpu } from "./engine/module.ts";
import type { Ranker } from "./metrics.ts";

/** The engine's ranker: the numbers of the plain one, sorted by radix in WebAssembly. */
export function cpuRanker(cpu: Cpu): Ranker {
  const call = (
    kernel: "roc_auc" | "average_precision",
    positive: Uint8Array,
    scores: Float64Array,
  ): number => {
    const rows = scores.length;
    const start = cpu.mark();
    try {
      const atScores = cpu.alloc(rows * 8);
      const atPositive = cpu.alloc(rows);
      const scratch = cpu.alloc(cpu.exports.ranking_bytes(rows) >>> 0);
      cpu.f64(atScores, rows).set(scores);
      cpu.u8(atPositive, rows).set(positive);
      return cpu.exports[kernel](atScores, atPositive, rows, scratch);
    } finally {
      cpu.reset(start);
    }
  };
  return {
    rocAuc: (positive, scores) => call("roc_auc", positive, scores),
    averagePrecision: (positive, scores) => call("average_precision", positive, scores),
  };
}
