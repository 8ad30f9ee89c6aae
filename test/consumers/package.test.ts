/** What the packed tarball is to those who check it: its manifest and its types. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, inject, test } from "vitest";

const run = promisify(execFile);
const app = inject("app");
const home = join(app, "node_modules/makeit-ai");
const _dist = join(home, "dist");
const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const entries = Object.keys(manifest.exports).filter((entry) => typeof manifest.exports[entry] === "object");

test.skipIf(inject("missing"))("publint has nothing to say", async () => {
  const publint = resolve("test/consumers/node_modules/publint/src/cli.js");
  const { stdout } = await run(process.execPath, [publint, "run", home, "--strict", "--pack", "false"]);
  expect(stdout).toContain("All good!");
});

test.each([
  ["NodeNext", ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
  ["Bundler", ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
])("its types stand up to a strict consumer, resolved as %s", (_, module, moduleResolution) => {
  mkdirSync(join(app, "node_modules/@types"), { recursive: true });
  for (const name of ["@types/node", "@webgpu/types", "undici-types"]) link(name);
  const imports = entries.map((entry, i) => `export * as entry${i} from "makeit-ai${entry.slice(1)}";`);
  const file = join(app, "consumer.ts");
  writeFileSync(file, `${imports.join("\n")}\n${CONSUMER}`);
  const program = ts.createProgram([file], {
    module,
    moduleResolution,
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: ["node"],
    typeRoots: [join(app, "node_modules/@types")],
  });
  const complaints = ts.getPreEmitDiagnostics(program);
  const host = {
    getCanonicalFileName: (name: string) => name,
    getCurrentDirectory: () => app,
    getNewLine: () => "\n",
  };
  expect(ts.formatDiagnostics(complaints, host)).toBe("");
});

function link(name: string): void {
  const path = join(app, "node_modules", name);
  try {
    mkdirSync(join(path, ".."), { recursive: true });
    symlinkSync(resolve("node_modules", name), path, "junction");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

const CONSUMER = `
import { fit, type Run, type Table } from "makeit-ai";
import { writeCsv } from "makeit-ai/table";
export async function improve(table: Table): Promise<string> {
  const { synthetic, result }: Run = await fit(table, { target: "class", metric: "f1", epochs: 3 });
  const sentence: string = result.verdict.sentence;
  // @ts-expect-error there is no such option
  await fit(table, { target: "class", epoch: 3 });
  return sentence + writeCsv(synthetic);
}
`;
