import { describe, expect, test } from "vitest";
import { kernels } from "../sdk/engine/kernels.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { contract, kernelNames } from "./contract.ts";
import { references } from "./reference.ts";

contract("wasm", () => WasmBackend.open());

describe("every row of the kernel table", () => {
  test.each(kernelNames)("%s has an export that takes its arguments and parameters", async (kernel) => {
    const { exports } = await Cpu.open();
    const { args, params } = kernels[kernel];
    expect(exports[kernel]).toBeTypeOf("function");
    expect(exports[kernel].length).toBe(Object.keys(args).length + Object.keys(params).length);
  });

  test("has a reference, and no reference is left over", () => {
    expect(Object.keys(references).sort()).toEqual([...kernelNames].sort());
  });

  test.each(kernelNames)("%s is tried with every one of its parameters", (kernel) => {
    const { sizes, variants = [] } = references[kernel];
    const tried = [...sizes, ...variants.flatMap((v) => Object.keys(v))];
    expect(new Set(tried)).toEqual(new Set(Object.keys(kernels[kernel].params)));
  });
});

test("a kernel gives its scratch memory back", async () => {
  const { exports } = await Cpu.open();
  const size = 5;
  const at = exports.allocate(1024);
  const before = exports.mark();
  exports.dense(at, at + 128, at + 256, at + 512, size, size, size, 3);
  exports.dense_dx(at, at + 128, at + 512, size, size, size);
  exports.dense_dw(at, at + 128, at + 512, size, size, size);
  exports.head(at, at + 128, at + 256, at + 512, 1, size, size, size);
  exports.head_dh(at, at + 128, at + 512, 1, size, size, size);
  exports.head_dk(at, at + 128, at + 512, at + 768, 1, size, size, size);
  expect(exports.mark()).toBe(before);
});
