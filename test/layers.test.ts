import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";

/**
 * Who may import whom, lowest floor first: a file imports from its own unit and from lower floors only. A unit is a
 * folder, or one or more files of sdk/ that belong together; a new file needs a place here.
 */
const FLOORS: readonly (readonly string[])[] = [
  [
    "generated",
    "errors text",
    "version",
    "matrix",
    "confusion",
    "correlation",
    "distributions",
    "html",
    "checksum",
    "names",
    "json",
    "tally",
    "calibration",
  ],
  ["random"],
  ["plots", "table", "statistics", "pack"],
  ["engine", "metrics"],
  ["folds splits resampling neighbours"],
  [
    "classifiers adapter logistic tree forest examples",
    "networks labels",
    "ranking",
    "threshold",
    "embedding",
    "image",
    "dawn",
    "result",
  ],
  ["settings options lambdas", "score", "rivals choice", "fidelity memorisation", "images", "drawings"],
  ["replay factors", "large"],
  [
    "train ballot state game start critic discriminator published noise health",
    "explain pictures",
    "evaluate evidence",
  ],
  ["split", "parquet", "budget"],
  ["model", "across", "advice"],
  ["run", "resample"],
  ["report report.css again", "sweep"],
  ["outputs"],
  ["index"],
  ["lock"],
  ["checkpoints"],
  ["store"],
  ["hand hands", "webHand webHands"],
  ["bullmq", "node worker threads lanes part"],
  ["queue"],
  ["serve"],
  ["cli", "bench", "web"],
];

/** The files that may import Node's own modules; everything else runs in a browser too. */
const NODE_FILES = [
  "sdk/node.ts",
  "sdk/worker.ts",
  "sdk/checkpoints.ts",
  "sdk/lock.ts",
  "sdk/threads.ts",
  "sdk/lanes.ts",
  "sdk/part.ts",
  "sdk/store.ts",
  "sdk/bullmq.ts",
  "sdk/queue.ts",
  "sdk/serve.ts",
  "sdk/hand.ts",
  "sdk/hands.ts",
  "sdk/dawn.ts",
  "sdk/plots/node.ts",
  "sdk/images/node.ts",
];
const NODE_FOLDERS = ["cli/", "bench/"];

/** Packages that need Node or a stand-in for the DOM. */
const NODE_PACKAGES = ["svgdom", "webgpu", "yargs", "cli-progress", "sharp"];

const FILES = ["sdk", "cli", "bench", "web"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => join(folder, file).replaceAll("\\", "/"))
    .filter((file) => /\.ts$/.test(file) && !file.endsWith(".d.ts"))
    .filter((file) => !/^sdk\/generated\/|\/node_modules\//.test(file)),
);

interface Import {
  file: string;
  name: string;
  /** Types are gone at run time. */
  typeOnly: boolean;
}

/** All imports and re-exports of a file, dynamic ones too. */
function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const add = (node: ts.Expression, typeOnly: boolean) => {
    if (ts.isStringLiteral(node)) found.push({ file, name: node.text, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest));
  return found;
}

const IMPORTS = FILES.flatMap(importsOf);

/** The floor and the unit of a file; −1 when it has none. */
function placeOf(path: string): { floor: number; unit: string } {
  const [folder, name = ""] = path.split("/");
  const own = folder === "sdk" ? name.replace(/\.ts$/, "") : folder;
  for (const [floor, units] of FLOORS.entries()) {
    const unit = units.find((names) => names.split(" ").includes(own));
    if (unit !== undefined) return { floor, unit };
  }
  return { floor: -1, unit: own };
}

function target({ file, name }: Import): string {
  return normalize(join(dirname(file), name)).replaceAll("\\", "/");
}

const show = ({ file, name }: Import) => `${file} imports ${name}`;
const relative = IMPORTS.filter(({ name }) => name.startsWith("."));

describe("layers", () => {
  test("every file has its floor, every floor its files", () => {
    expect(FILES.filter((file) => placeOf(file).floor < 0)).toEqual([]);
    const used = new Set([...FILES.map((file) => placeOf(file).unit), "generated"]);
    expect(FLOORS.flat().filter((unit) => !used.has(unit))).toEqual([]);
  });

  test("imports point down only", () => {
    expect(relative.length).toBeGreaterThan(100);
    const up = relative.filter((item) => {
      const [from, to] = [placeOf(item.file), placeOf(target(item))];
      return to.unit !== from.unit && to.floor >= from.floor;
    });
    expect(up.map(show)).toEqual([]);
  });

  test("no circle of imports", () => {
    const next = new Map<string, string[]>(FILES.map((file) => [file, []]));
    for (const item of relative) if (!item.typeOnly) next.get(item.file)?.push(target(item));
    const done = new Set<string>();
    const visit = (file: string, path: string[]): string[] | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return undefined;
      done.add(file);
      for (const to of next.get(file) ?? []) {
        const circle = visit(to, [...path, file]);
        if (circle) return circle;
      }
      return undefined;
    };
    const circles = FILES.map((file) => visit(file, [])).filter((circle) => circle !== undefined);
    expect(circles.map((circle) => circle.join(" → "))).toEqual([]);
  });

  test("only the edges touch Node", () => {
    const inner = IMPORTS.filter(
      ({ file }) => !NODE_FILES.includes(file) && !NODE_FOLDERS.some((folder) => file.startsWith(folder)),
    );
    const node = inner.filter(({ name }) => name.startsWith("node:") || NODE_PACKAGES.includes(name));
    expect(node.map(show)).toEqual([]);
    expect(IMPORTS.some(({ name }) => name.startsWith("node:"))).toBe(true);
  });

  test("the browser's entry reaches none of the files that touch Node", () => {
    const reached = new Set<string>();
    const walk = (file: string) => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const item of relative) if (item.file === file && !item.typeOnly) walk(target(item));
    };
    const pages = ["web/main.ts", "web/worker/studio.ts", "web/worker/split.ts"];
    for (const entry of ["sdk/index.ts", "sdk/plots/index.ts", "sdk/images/index.ts", ...pages]) walk(entry);
    expect(reached.size).toBeGreaterThan(20);
    expect([...reached].filter((file) => NODE_FILES.includes(file))).toEqual([]);
  });

  test("only programs end the process", () => {
    const ends = /\bprocess\s*\.\s*(exit|exitCode|abort|kill)\b/;
    const exits = FILES.filter((file) => ends.test(readFileSync(file, "utf8")));
    expect(exits.filter((file) => !NODE_FOLDERS.some((folder) => file.startsWith(folder)))).toEqual([]);
    expect(exits).toContain("cli/main.ts");
  });
});
