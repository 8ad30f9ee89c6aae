// Embeds shaders/*.wgsl as strings in sdk/generated/shaders.ts, so that a bundle needs neither fetch nor fs.
// Comments go, and blanks where they part no words; names and every line break stay, so that a line number in a
// compiler's message is the line in the file. (WGSL has no strings: // always begins a comment.)
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const strip = (line) =>
  line
    .replace(/\/\/.*/, "")
    .trim()
    .replace(/ *([^\w\s]) */g, "$1");

const entries = readdirSync("shaders")
  .sort()
  .map((file) => {
    const wgsl = readFileSync(`shaders/${file}`, "utf8");
    const text = wgsl.trimEnd().split("\n").map(strip).join("\n");
    return `  ${file.replace(".wgsl", "")}: ${JSON.stringify(text)},\n`;
  });

const target = "sdk/generated/shaders.ts";
const text = `import type { KernelName } from "../engine/kernels.ts";

export const shaders: Record<KernelName, string> = {
${entries.join("")}};
`;
mkdirSync("sdk/generated", { recursive: true });
if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeFileSync(target, text);
