/** A consumer's folder with the packed tarball in it, and what others build and run with. */
import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import type { TestProject } from "vitest/node";
import { install } from "../../scripts/install.mjs";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder whose node_modules holds the tarball's content and its dependencies, nothing else. */
    app: string;
    /** The tarball itself, a file of that folder. */
    tarball: string;
    /** Why the tools are not there; empty when they are. */
    missing: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const missing = await install("test/consumers", { what: "what others use Makeit with (about 100 MB)" });
  if (missing && process.env.CI) throw new Error(missing);
  if (missing) console.warn(`Nothing runs where others use Makeit: ${missing}`);
  const { app, tarball } = await makeApp();
  project.provide("app", app);
  project.provide("tarball", tarball);
  project.provide("missing", missing ?? "");
  return () => rmSync(app, { recursive: true, force: true });
}

/** Outside of the repository, so that nothing is found that the package does not declare. */
async function makeApp(): Promise<{ app: string; tarball: string }> {
  const run = promisify(execFile);
  const app = mkdtempSync(join(tmpdir(), "makeit-app-"));
  const modules = join(app, "node_modules");
  mkdirSync(modules);
  const shell = process.platform === "win32";
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", app], {
    shell,
  });
  const tarball = stdout.trim();
  await run("tar", ["xzf", tarball], { cwd: app });
  renameSync(join(app, "package"), join(modules, "makeit-ai"));
  const { dependencies } = JSON.parse(readFileSync(join(modules, "makeit-ai/package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(resolve("node_modules", name), join(modules, name), "junction");
  }
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  writeFileSync(join(app, "seeded.js"), seededProgram());
  return { app, tarball };
}

/** The program of test/browser/seeded.ts as a consumer would write it: without types, from the package. */
function seededProgram(): string {
  const source = readFileSync("test/browser/seeded.ts", "utf8");
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts
    .transpileModule(source, { compilerOptions: options })
    .outputText.replace('"../../sdk/index.ts"', '"makeit-ai"')
    .replace('"../../sdk/table/index.ts"', '"makeit-ai/table"');
}
