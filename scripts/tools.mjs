// What the tests of WebGPU and of the browser run on, without anything installed by hand: the packages of
// test/browser and, on Linux x64, the software GPU (SwiftShader with its Vulkan loader) and the headless Chromium that
// lie packed in one of them. `node scripts/tools.mjs` fetches them; vitest.config.ts and the tests ask where they are.
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createBrotliDecompress } from "node:zlib";
import { install } from "./install.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HOME = join(ROOT, "test/browser");
const MODULES = join(HOME, "node_modules");
const UNPACKED = join(MODULES, ".cache/chromium");
const run = promisify(execFile);
/** The packed binaries are for Linux with glibc on x64. */
const PACKED =
  process.platform === "linux" &&
  process.arch === "x64" &&
  process.report.getReport().header.glibcVersionRuntime !== undefined;
/** Text looks the same everywhere: the browser sees this font alone. */
const FONTS = `<fontconfig><dir prefix="relative">fonts</dir></fontconfig>\n`;

/** Where browsers install themselves, by platform; the first that is there is taken. */
const BROWSERS = {
  linux: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].flatMap((name) =>
    (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)),
  ),
  darwin: ["Google Chrome", "Chromium", "Microsoft Edge"].map(
    (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
  ),
  win32: ["Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"].flatMap((name) =>
    [process.env.PROGRAMFILES, process.env["PROGRAMFILES(X86)"], process.env.LOCALAPPDATA]
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, name)),
  ),
};

const TOOLS = {
  what: "what the tests of WebGPU and the browser need (about 80 MB)",
  script: "scripts/tools.mjs",
  finish: (modules) => (PACKED ? unpack(modules) : Promise.resolve()),
};

/** Unpacks GPU, browser, its libraries and a font. */
async function unpack(modules) {
  const target = join(modules, ".cache/chromium");
  await mkdir(target);
  const { extract } = createRequire(join(modules, "index.js"))("tar-fs");
  const from = (name, to) => {
    const packed = createReadStream(join(modules, "@sparticuz/chromium/bin", name));
    return pipeline(packed, createBrotliDecompress(), to);
  };
  const archives = ["swiftshader.tar.br", "al2023.tar.br", "fonts.tar.br"];
  await Promise.all([
    from("chromium.br", createWriteStream(join(target, "headless_shell"), { mode: 0o755 })),
    ...archives.map((name) => from(name, extract(target, { chown: false }))),
  ]);
  await writeFile(join(target, "fonts.conf"), FONTS);
}

/**
 * The browser to test in and how to start it.
 * @typedef {{ executablePath: string, args: string[], env: Record<string, string | undefined> }} Launch
 */

/**
 * Finds what the tests need, installing it on first use.
 * @returns {Promise<{ browser?: Launch, gpu?: Record<string, string>, missing: string[] }>} `gpu`: the environment in
 *   which Node must be started for Dawn to have an adapter. `missing`: a sentence for each that is not there.
 */
export async function tools() {
  const failure = await install("test/browser", TOOLS);
  if (failure) return { missing: [`Nothing runs in a browser or on WebGPU: ${failure}`] };
  const [browser, gpu, missing] = [findBrowser(), softwareGpu(), []];
  if (!browser) missing.push(`Nothing runs in a browser: ${NO_BROWSER}`);
  const trouble = await noAdapter(gpu);
  if (trouble) missing.push(`Nothing runs on WebGPU in Node: ${trouble}`);
  return { browser, gpu: trouble ? undefined : gpu, missing };
}

export const NO_BROWSER = "there is no Chrome or Chromium. Install one, or set CHROME_PATH.";

/**
 * The browser that `tools` installed, or one that the machine has. `CHROME_PATH` names another.
 * @returns {Launch | undefined}
 */
export function findBrowser() {
  const own = process.env.CHROME_PATH;
  if (PACKED && !own) {
    return {
      executablePath: join(UNPACKED, "headless_shell"),
      args: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
      env: {
        ...process.env,
        LD_LIBRARY_PATH: join(UNPACKED, "lib"),
        FONTCONFIG_FILE: join(UNPACKED, "fonts.conf"),
      },
    };
  }
  const executablePath = own || BROWSERS[process.platform]?.find((path) => existsSync(path));
  return executablePath && { executablePath, args: ["--enable-unsafe-webgpu"], env: { ...process.env } };
}

/** The environment that puts the software GPU before the machine's own, unless one is asked for by name. */
function softwareGpu() {
  if (!PACKED || process.env.VK_ICD_FILENAMES) return {};
  const libraries = [UNPACKED, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return { LD_LIBRARY_PATH: libraries, VK_ICD_FILENAMES: join(UNPACKED, "vk_swiftshader_icd.json") };
}

/** Why Dawn has no adapter in an environment; empty where it has one. */
async function noAdapter(gpu) {
  const ask = `import { create } from "webgpu"; process.exit((await create([]).requestAdapter()) ? 0 : 1)`;
  try {
    const node = ["--input-type=module", "--eval", ask];
    await run(process.execPath, node, { cwd: ROOT, env: { ...process.env, ...gpu } });
    return "";
  } catch ({ stderr }) {
    const error = stderr.match(/^\w*Error.*$/m)?.[0];
    return error ?? "there is no adapter. Install the GPU's Vulkan, Metal or Direct3D 12 driver.";
  }
}

/**
 * vitest's way to run tests inside a browser, from test/browser: the root install stays light.
 * @param {Launch} launchOptions
 * @returns {Promise<import("vitest/node").BrowserProviderOption>}
 */
export async function playwright(launchOptions) {
  const provider = join(MODULES, "@vitest/browser-playwright/dist/index.js");
  return (await import(pathToFileURL(provider).href)).playwright({ launchOptions });
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const failure = await install("test/browser", TOOLS);
  if (failure) console.error(failure);
  process.exitCode = failure && process.env.CI ? 1 : 0;
}
