/** What is installed with the package, and what it gives away of the table. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fit } from "../sdk/index.ts";
import { outputs } from "../sdk/outputs.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import { readTable } from "../sdk/table/read.ts";

interface Locked {
  version: string;
  dev?: boolean;
  peer?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
  integrity?: string;
  resolved?: string;
}

const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const { dependencies, scripts, peerDependenciesMeta } = read("package.json");
const locked = Object.entries(read("package-lock.json").packages as Record<string, Locked>).filter(
  ([path]) => path !== "",
);

describe("what is installed with the package", () => {
  test("each dependency has its reason in DESIGN.md", () => {
    const design = readFileSync("DESIGN.md", "utf8");
    const table = design.slice(design.indexOf("## Dependencies"));
    for (const name of Object.keys(dependencies))
      expect(table, name).toMatch(new RegExp(`^\\|.*${name}.*\\|`, "m"));
  });

  test("nothing runs a script when it is installed", () => {
    const installed = locked.filter(([, { dev }]) => !dev);
    expect(installed.length).toBeGreaterThan(Object.keys(dependencies).length);
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
    for (const script of ["preinstall", "install", "postinstall"]) expect(scripts).not.toHaveProperty(script);
  });

  test("every version is locked by its hash", () => {
    expect(locked.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ""))).toEqual([]);
  });

  test("what only some need is optional", () => {
    for (const { optional } of Object.values(peerDependenciesMeta as Record<string, Locked>))
      expect(optional).toBe(true);
  });
});

/** What may talk to others, and only where the user says whom to. */
const NETWORK: readonly string[] = ["cli/server.ts", "sdk/store.ts"];

test("nothing in it calls home: no address but those of formats and of this machine", () => {
  const files = ["sdk", "cli"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.startsWith("generated"))
      .map((file) => join(folder, file)),
  );
  expect(files.length).toBeGreaterThan(100);
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const hosts = [...text.matchAll(/\bhttps?:\/\/([\w.$-]+)/g)].map(([, host]) => host);
    expect(
      hosts.filter((host) => !["www.w3.org", "127.0.0.1", "localhost", "$"].includes(host)),
      file,
    ).toEqual([]);
    if (NETWORK.includes(file)) continue;
    expect(text, file).not.toMatch(/\b(?:fetch|XMLHttpRequest|WebSocket|sendBeacon|EventSource)\(/);
    expect(text, file).not.toMatch(/from "node:(?:https?|http2|net|tls|dgram|dns)"/);
  }
});

test("the report holds no row of the table", async () => {
  registerPlotWindow();
  // Seven digits that are drawn at random stand nowhere but in their own row.
  let state = 5;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const rows = Array.from({ length: 150 }, (_, i) => {
    const rare = i % 5 === 0;
    return {
      a: (random() + Number(rare)).toFixed(7),
      b: (100 * random()).toFixed(7),
      name: `person ${i}`,
      rare,
    };
  });
  const lines = rows.map(({ a, b, name, rare }) => `${name},${a},${b},${rare ? "yes" : "no"}`);
  const table = await readTable(`who,a,b,rare\n${lines.join("\n")}\n`, { id: ["who"] });
  const run = await fit(table, {
    target: "rare",
    splits: 2,
    epochs: 3,
    samples: "16",
    rescore: 2,
    vote: 2,
    engine: "wasm",
  });
  const files = outputs(run).filter(({ path }) => !/synthetic|model/.test(path));
  expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(["report.html", "report.json"]));
  const told = files.map(({ path, content }) => ({ path, text: String(content()) }));
  for (const { a, b, name } of rows) {
    for (const { path, text } of told) {
      expect(text.includes(`"${name}"`) || text.includes(`>${name}<`), `${name} in ${path}`).toBe(false);
      expect(text.includes(a) && text.includes(b), `the row ${a}, ${b} in ${path}`).toBe(false);
    }
  }
});
