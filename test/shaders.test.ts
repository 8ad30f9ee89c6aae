/** The shaders against the kernel table and under two compilers; what they compute is tested in webgpu-shaders.test.ts. */
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { create, globals } from "webgpu";
import { GRID } from "../sdk/engine/grid.ts";
import { type Dispatch, type KernelName, kernels } from "../sdk/engine/kernels.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { shaders } from "../sdk/generated/shaders.ts";
import { cases, kernelNames } from "./contract.ts";
import { entryPoints, layoutOf } from "./executor.ts";
import { openNaga, TARGETS } from "./naga.ts";
import { type Params, references } from "./reference.ts";

const fileOf = (kernel: KernelName) => readFileSync(`shaders/${kernel}.wgsl`, "utf8");

/** A shader as the engine changes it where one buffer holds several arguments. */
function boundForWriting(kernel: KernelName): string {
  return shaders[kernel].replaceAll("var<storage,read>", "var<storage,read_write>");
}

/** The entry points that the table names for a kernel's cases. */
function chosen(kernel: KernelName): Set<string> {
  const dispatches = kernels[kernel].dispatches as (p: Params) => readonly Dispatch[];
  return new Set(cases(kernel).flatMap((p) => dispatches(p).map(({ entry }) => entry)));
}

describe("table, shaders, AssemblyScript and references", () => {
  test("name the same kernels", async () => {
    const names = [...kernelNames].sort();
    const files = readdirSync("shaders").map((file) => file.replace(/\.wgsl$/, ""));
    const { exports } = await Cpu.open();
    expect(files.sort()).toEqual(names);
    expect(Object.keys(shaders).sort()).toEqual(names);
    expect(Object.keys(references).sort()).toEqual(names);
    expect(names.filter((name) => typeof exports[name] !== "function")).toEqual([]);
  });

  test.each(kernelNames)("%s binds its arguments in order, then its parameters", (kernel) => {
    const { args, params } = kernels[kernel];
    const bindings = [...fileOf(kernel).matchAll(/^@group\(0\) @binding\((\d+)\) var<([^>]*)>/gm)];
    const found = [...new Set(bindings.map(([, binding, access]) => `${binding} ${access}`))];
    const expected = Object.values(args).map(
      ({ access }, i) => `${i} storage, ${access === "read" ? "read" : "read_write"}`,
    );
    expect(found).toEqual([...expected, `${expected.length} uniform`]);
    const members = Object.entries(params).map(([name, type]) => `${name}: ${type}`);
    expect(fileOf(kernel)).toContain(`struct Params { ${members.join(", ")} }`);
  });

  test.each(kernelNames)("%s has the entry points that the table names, and no others", (kernel) => {
    expect([...chosen(kernel)].sort()).toEqual(entryPoints(kernel).sort());
  });
});

describe("a shader's file", () => {
  const table = readFileSync("sdk/engine/kernels.ts", "utf8");

  test.each(kernelNames)("%s opens with the formula that the table gives", (kernel) => {
    const [, formula] = table.match(new RegExp(`\n((?:  // .*\n)+)  ${kernel}: \\{`)) ?? [];
    const lines = formula.replaceAll(/^ +/gm, "");
    expect(fileOf(kernel).slice(0, lines.length)).toBe(lines);
  });

  test.each(kernelNames)("%s shares its sizes with the grid", (kernel) => {
    const constants = [...fileOf(kernel).matchAll(/^const (\w+) = (\d+)u;$/gm)];
    const sizes = Object.fromEntries(constants.map(([, name, value]) => [name, Number(value)]));
    const shared = Object.keys(GRID).filter((name) => name in sizes);
    expect(Object.fromEntries(shared.map((name) => [name, sizes[name]]))).toEqual(
      Object.fromEntries(shared.map((name) => [name, GRID[name as keyof typeof GRID]])),
    );
    for (const [, size] of fileOf(kernel).matchAll(/@workgroup_size\(([^)]*)\)/g)) {
      const factors = size.split(", ").filter((factor) => factor !== "1");
      expect(factors.filter((factor) => !shared.includes(factor))).toEqual([]);
      expect(factors.reduce((product, factor) => product * sizes[factor], 1)).toBeLessThanOrEqual(256);
    }
  });

  test.each(kernelNames)("%s is embedded line by line: run node scripts/shaders.mjs", (kernel) => {
    const [lines, embedded] = [fileOf(kernel).trimEnd().split("\n"), shaders[kernel].split("\n")];
    const solid = (line: string) => line.split("//")[0].replaceAll(" ", "");
    expect(embedded.map(solid)).toEqual(lines.map(solid));
    expect(embedded.join()).not.toMatch(/\/\/| [^\w]|[^\w] /);
  });

  test("all together are small", () => {
    expect(gzipSync(Object.values(shaders).join("\n"), { level: 9 }).length).toBeLessThanOrEqual(6144);
  });
});

describe("compiles under Dawn, every entry point", () => {
  let dawn: GPU;
  let device: GPUDevice;
  beforeAll(async () => {
    Object.assign(globalThis, globals);
    dawn = create(["backend=null"]);
    device = await (await dawn.requestAdapter())!.requestDevice();
  });
  afterAll(() => device.destroy());

  /** What is wrong with a shader, and with a pipeline of each of its entry points. */
  async function faults(kernel: KernelName, code: string, shared: boolean): Promise<string[]> {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code });
    const layout = device.createPipelineLayout({ bindGroupLayouts: [layoutOf(device, kernel, shared)] });
    for (const entryPoint of entryPoints(kernel)) {
      device.createComputePipeline({ layout, compute: { module, entryPoint } });
    }
    const error = await device.popErrorScope();
    const { messages } = await module.getCompilationInfo();
    return [
      ...messages.map(({ lineNum, message }) => `${lineNum}: ${message}`),
      ...(error ? [error.message] : []),
    ];
  }

  test.each(kernelNames)("%s", async (kernel) => {
    expect(await faults(kernel, fileOf(kernel), false), "the file").toEqual([]);
    expect(await faults(kernel, shaders[kernel], false), "what is embedded").toEqual([]);
  });

  test.each(kernelNames)(
    "%s with all arguments bound for writing, as when they share a buffer",
    async (kernel) => {
      expect(await faults(kernel, boundForWriting(kernel), true)).toEqual([]);
    },
  );

  test("which does find errors", async () => {
    const typo = shaders.add.replace("p.length", "p.lenght");
    expect(typo).not.toBe(shaders.add);
    expect((await faults("add", typo, false)).join()).toContain("lenght");
    expect((await faults("add", shaders.add, true)).join()).toContain(
      "not compatible with the type in the layout",
    );
  });
});

describe("compiles under naga, for every kind of GPU", () => {
  let compile: Awaited<ReturnType<typeof openNaga>>;
  beforeAll(async () => {
    compile = await openNaga();
  });

  test.each(kernelNames)("%s", (kernel) => {
    for (const target of TARGETS) {
      for (const code of [fileOf(kernel), shaders[kernel], boundForWriting(kernel)]) {
        expect(compile(code, target).length, target).toBeGreaterThan(100);
      }
    }
  });

  test("which does find errors", () => {
    const loop = "for(var i=id.x;i<p.length";
    expect(shaders.add).toContain(loop);
    expect(() => compile(shaders.add.replace(loop, loop.replace("id.x", "1.5")), "spirv")).toThrow("u32");
    expect(() => compile(shaders.add.replace("read_write", "read"), "spirv")).toThrow("main");
  });
});
