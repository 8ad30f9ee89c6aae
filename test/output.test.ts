import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { discardAll, OutputFile, OutputFolder } from "../cli/output.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "makeit-output-"));
});
afterEach(() => {
  chmodSync(home, 0o700);
  rmSync(home, { recursive: true });
});

const tree = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
const at = (...parts: string[]) => join(home, ...parts);
const text = (...parts: string[]) => readFileSync(at(...parts), "utf8");

/** Root may write in any folder, but for the kernel's. */
const root = process.getuid?.() === 0;

describe("output folder", () => {
  test("appears whole, with its parents, only at commit", () => {
    const folder = new OutputFolder(at("a/b/out"));
    folder.write("report.json", "{}");
    folder.write("split-1/tree.svg", "<svg/>");
    expect(existsSync(at("a"))).toBe(false);
    folder.commit();
    expect(tree(home)).toEqual([
      "a",
      "a/b",
      "a/b/out",
      "a/b/out/report.json",
      "a/b/out/split-1",
      "a/b/out/split-1/tree.svg",
    ]);
    expect(folder.files).toEqual(["report.json", "split-1/tree.svg"]);
    expect(statSync(at("a/b/out")).mode & 0o777).toBe(0o777 & ~process.umask());
  });

  test("discarded, it leaves nothing", () => {
    const folder = new OutputFolder(at("a/out"));
    folder.write("report.json", "{}");
    folder.discard();
    expect(tree(home)).toEqual([]);
  });

  test("discarding after commit keeps it", () => {
    const folder = new OutputFolder(at("out"));
    folder.write("report.json", "{}");
    folder.commit();
    folder.discard();
    expect(tree(home)).toEqual(["out", "out/report.json"]);
  });

  test("an exit discards whatever is open", () => {
    mkdirSync(at("there"));
    for (const path of [at("out"), at("there")]) new OutputFolder(path).write("report.json", "{}");
    discardAll();
    expect(tree(home)).toEqual(["there"]);
  });

  test("an empty one is filled", () => {
    mkdirSync(at("out"));
    const { ino } = statSync(at("out"));
    const folder = new OutputFolder(at("out"));
    folder.write("report.json", "{}");
    folder.commit();
    expect(tree(home)).toEqual(["out", "out/report.json"]);
    expect(statSync(at("out")).ino).toBe(ino);
  });

  test("one that is not empty is refused", () => {
    mkdirSync(at("out"));
    writeFileSync(at("out/notes.txt"), "mine");
    expect(() => new OutputFolder(at("out"))).toThrow(/is not empty \(1 entry\)/);
    expect(tree(home)).toEqual(["out", "out/notes.txt"]);
  });

  test("force replaces earlier results, all of them, and nothing else", () => {
    const first = new OutputFolder(at("out"));
    for (const name of ["report.json", "split-1/tree.svg", "split-2/tree.svg"]) first.write(name, "old");
    first.commit();
    writeFileSync(at("out/notes.txt"), "mine");
    const second = new OutputFolder(at("out"), { force: true });
    second.write("report.json", "new");
    second.write("split-1/tree.svg", "new");
    expect(text("out/report.json")).toBe("old");
    second.commit();
    expect(tree(at("out"))).toEqual(["notes.txt", "report.json", "split-1", "split-1/tree.svg"]);
    expect([text("out/report.json"), text("out/split-1/tree.svg"), text("out/notes.txt")]).toEqual([
      "new",
      "new",
      "mine",
    ]);
  });

  test("a commit that fails puts the earlier results back", () => {
    mkdirSync(at("out/odd"), { recursive: true });
    writeFileSync(at("out/odd/file"), "mine");
    writeFileSync(at("out/report.json"), "old");
    const folder = new OutputFolder(at("out"), { force: true });
    folder.write("report.json", "new");
    folder.write("odd", "a file cannot replace this folder");
    expect(() => folder.commit()).toThrow();
    folder.discard();
    expect(tree(at("out"))).toEqual(["odd", "odd/file", "report.json"]);
    expect(text("out/report.json")).toBe("old");
  });

  test("a file in its place is refused", () => {
    writeFileSync(at("out"), "");
    expect(() => new OutputFolder(at("out"), { force: true })).toThrow(/is a file, not a folder/);
    expect(() => new OutputFolder(at("out/below"))).toThrow(
      expect.objectContaining({ path: at("out/below") }),
    );
  });

  test("one that cannot be written is refused before the work", () => {
    chmodSync(home, 0o500);
    const path = root ? "/proc/makeit-out" : at("out");
    expect(() => new OutputFolder(path)).toThrow(`${path} cannot be written`);
    expect(() => new OutputFile(path)).toThrow(`${path} cannot be written`);
  });
});

describe("output file", () => {
  test("appears whole, only when it is written", () => {
    const file = new OutputFile(at("a/rows.csv"));
    expect(tree(home)).toEqual([]);
    file.write("a,b\n");
    expect(tree(home)).toEqual(["a", "a/rows.csv"]);
    expect(text("a/rows.csv")).toBe("a,b\n");
  });

  test("is replaced only with force", () => {
    writeFileSync(at("rows.csv"), "old");
    expect(() => new OutputFile(at("rows.csv"))).toThrow(/is already there/);
    const file = new OutputFile(at("rows.csv"), { force: true });
    expect(text("rows.csv")).toBe("old");
    file.write("new");
    expect(text("rows.csv")).toBe("new");
    expect(tree(home)).toEqual(["rows.csv"]);
  });

  test("cannot be a folder", () => {
    expect(() => new OutputFile(home)).toThrow(/is a folder/);
  });
});
