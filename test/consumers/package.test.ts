/** What the packed tarball is to those who check it: its files, its imports, its manifest, its types. */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { describe, expect, inject, test } from "vitest";

const run = promisify(execFile);
const app = inject("app");
const home = join(app, "node_modules/makeit-ai");
const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const entries = Object.keys(manifest.exports).filter((entry) => typeof manifest.exports[entry] === "object");
const files = readdirSync(home, { recursive: true, encoding: "utf8" })
  .filter((name) => statSync(join(home, name)).isFile())
  .map((name) => name.replaceAll("\\", "/"));

/** What a file imports: at once (`export … from` too), later, or as a thread's script. */
interface Imports {
  now: string[];
  later: string[];
}

/** Of each script and each file of types: its imports, and the names in it that are no properties. */
const parsed = new Map(
  files.filter((name) => /^dist\/[^/]+\.(js|d\.ts)$/.test(name)).map((name) => [name, parse(name)]),
);

function parse(name: string): Imports & { names: Set<string> } {
  const now: string[] = [];
  const later: string[] = [];
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const from = (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier;
    if (from && ts.isStringLiteral(from)) now.push(from.text);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      if (ts.isStringLiteral(node.arguments[0])) later.push(node.arguments[0].text);
      else names.add("import of a name");
    }
    // What is installed by those who use it: asked for by its name, so that a missing one can say how to get it.
    if (ts.isCallExpression(node) && node.expression.getText() === "optional") {
      const [name] = node.arguments;
      if (ts.isStringLiteral(name)) later.push(name.text);
    }
    if (ts.isImportTypeNode(node))
      now.push((node.argument as ts.LiteralTypeNode).literal.getText().slice(1, -1));
    if (ts.isNewExpression(node) && /^URL$/.test(node.expression.getText())) {
      const [path] = node.arguments ?? [];
      if (path && ts.isStringLiteral(path) && path.text.endsWith(".js")) later.push(path.text);
    }
    const { parent } = node;
    const isProperty =
      parent &&
      ((ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node) ||
        ts.isMethodDeclaration(parent));
    if (ts.isIdentifier(node) && !isProperty) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, readFileSync(join(home, name), "utf8"), ts.ScriptTarget.Latest, true));
  return { now, later, names };
}

/** The file that one imports by a path; types name the script beside them. */
function inside(file: string, name: string): string {
  const path = posix.join(posix.dirname(file), name);
  return file.endsWith(".d.ts") ? path.replace(/\.js$/, ".d.ts") : path;
}

/** The files that loading one brings with it; `later`: those too that it may load some time. */
function reached(from: readonly string[], later: boolean): string[] {
  const found = new Set<string>();
  const load = (file: string) => {
    if (found.has(file)) return;
    found.add(file);
    const { now, later: dynamic } = parsed.get(file) ?? { now: [], later: [] };
    const names = [...now, ...(later ? dynamic : [])].filter((name) => name.startsWith("."));
    for (const name of names) load(inside(file, name));
  };
  from.forEach(load);
  return [...found];
}

const scripts = entries.map((entry) => posix.normalize(manifest.exports[entry].default));
const types = entries.map((entry) => posix.normalize(manifest.exports[entry].types));
const programs = Object.values<string>(manifest.bin);
const browser = scripts.filter((file) => file !== "dist/node.js");

describe("its files", () => {
  test("are what the entries, the programs and the page need, and nothing else", () => {
    const page = readFileSync(join(home, "dist/web/sw.js"), "utf8").match(/FILES=(\[[^\]]*\])/)![1];
    const kept = (JSON.parse(page) as string[]).filter((name) => name !== "./");
    const wanted = [
      ...["package.json", "README.md", "CHANGELOG.md", "data/README.md", "dist/papaparse.LICENSE"],
      ...["dist/core.wasm", "dist/extra.wasm"],
      ...["index.html", "sw.js", ...kept].map((name) => `dist/web/${name}`),
      ...reached([...scripts, ...programs], true),
      ...reached(types, true),
      // of what is no entry, and has none to offer
      ...["dist/cli.d.ts", "dist/hand.d.ts", "dist/worker.d.ts"],
    ];
    expect([...files].sort()).toEqual([...new Set(wanted)].sort());
  });

  test("take less than 1 MB on their way, 2.1 MB in place", () => {
    expect(statSync(join(app, inject("tarball"))).size).toBeLessThan(1e6);
    expect(files.reduce((sum, name) => sum + statSync(join(home, name)).size, 0)).toBeLessThan(2.1e6);
  });
});

describe("its imports", () => {
  const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
  const packageOf = (name: string) => name.match(/^(@[^/]+\/)?[^/]+/)![0];
  const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
  const foreign = (file: string) => {
    const { now, later } = parsed.get(file)!;
    return [...now, ...later].filter((name) => !name.startsWith("."));
  };

  test("are files of its own, declared packages, or Node's own modules", () => {
    const unknown = [...parsed].flatMap(([file, { now, later }]) =>
      [...now, ...later]
        .filter((name) =>
          name.startsWith(".")
            ? !files.includes(inside(file, name))
            : !builtin.has(name) && !declared.includes(packageOf(name)),
        )
        .map((name) => `${file} imports ${name}`),
    );
    expect(unknown).toEqual([]);
    const used = new Set([...parsed.keys()].flatMap(foreign).map(packageOf));
    expect(declared.filter((name) => !used.has(name))).toEqual([]);
  });

  test("of what runs in browsers are none of Node's, now or later", () => {
    const all = reached(browser, true).filter((file) => parsed.has(file));
    expect(all.flatMap(foreign).filter((name) => builtin.has(name))).toEqual([]);
    expect(reached(["dist/node.js"], true).flatMap(foreign)).toContain("node:fs");
  });

  test("the core has none at all, no DOM and no code made of text", () => {
    const core = reached(["dist/index.js"], false);
    const engines = reached(["dist/index.js"], true).filter((file) => /core\.packed|webgpu/.test(file));
    expect(engines.length).toBe(2);
    expect([...core, ...engines].flatMap(foreign)).toEqual([]);
    expect(globalsOf([...core, ...engines])).toEqual([
      "DecompressionStream",
      "WebAssembly",
      "atob",
      "clearInterval",
      "performance",
      "queueMicrotask",
      "setInterval",
      "setTimeout",
    ]);
    const text = [...core, ...engines].map((file) => readFileSync(join(home, file), "utf8")).join();
    const asked = [...text.matchAll(/\b(?:globalThis|self)\b\??\.?(\w*)/g)].map(([, name]) => name);
    expect([...new Set(asked)]).toEqual(["navigator"]);
    // What it loads later may ask whether there is a window, as papaparse does, but makes no code of text either.
    for (const file of reached(["dist/index.js"], true)) {
      const found = ["eval", "Function", "import of a name"].filter((name) =>
        parsed.get(file)!.names.has(name),
      );
      expect(found, file).toEqual([]);
    }
  });

  /** The names that nothing declares but the place in which the files run, beyond the language's own. */
  function globalsOf(names: readonly string[]): string[] {
    const program = ts.createProgram(
      names.map((name) => join(home, name)),
      { ...LANGUAGE, allowJs: true, checkJs: true, strict: false },
    );
    const unknown = [2304, 2503, 2552, 2580, 2584, 2591, 2867, 2868]; // "Cannot find name", in all its forms
    const texts = ts
      .getPreEmitDiagnostics(program)
      .filter(({ code }) => unknown.includes(code))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "").match(/'([^']*)'/)![1]);
    return [...new Set(texts)].sort();
  }
  const LANGUAGE: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2023.d.ts"],
    types: [],
    noEmit: true,
  };
});

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
