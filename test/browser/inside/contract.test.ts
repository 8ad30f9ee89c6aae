import { describe, expect, test } from "vitest";
import { openBackend } from "../../../sdk/engine/open.ts";
import { WasmBackend } from "../../../sdk/engine/wasm.ts";
import { expectAdapter } from "../../adapter.ts";
import { contract } from "../../contract.ts";
import { parity } from "../../parity.ts";

contract("wasm in a browser", () => WasmBackend.open());
contract("wasm with fused multiplication in a browser", () => WasmBackend.open({ relaxed: true }));

test("fused multiplication rounds once", async () => {
  const [rows, inner, cols] = [64, 50, 16];
  const products = await Promise.all(
    [false, true].map(async (relaxed) => {
      const engine = await openBackend({ engine: "wasm", relaxed });
      const given = { x: rows * inner, w: inner * cols, b: cols, y: rows * cols };
      const tensors = Object.entries(given).map(([name, length], at) => {
        const tensor = engine.alloc(length);
        engine.write(
          tensor,
          Float32Array.from({ length }, (_, i) => Math.sin(7 * i + at)),
        );
        return [name, tensor] as const;
      });
      const call = { ...Object.fromEntries(tensors), rows, inner, cols, activation: 0 } as never;
      engine.submit([engine.prepare("dense", call)]);
      return engine.read(tensors[3][1]);
    }),
  );
  const apart = products[0].map((value, i) => Math.abs(value - products[1][i]));
  expect(Math.max(...apart)).toBeLessThan(1e-5);
  // Every processor that Chromium runs on here has the instruction.
  expect(Math.max(...apart)).toBeGreaterThan(0);
});

describe("a browser's GPU", () => {
  test("computes", () => expectAdapter(navigator.gpu));
});

const open = () => openBackend({ engine: "webgpu" });
contract("webgpu in a browser", open);
parity("webgpu in a browser", open);
