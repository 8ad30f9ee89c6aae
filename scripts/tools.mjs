// What the tests of WebGPU and of the browser run on, without anything installed by hand: the packages of
// test/browser and, on Linux x64, the software GPU (SwiftShader with its Vulkan loader) and the headless Chromium that
// lie packed in one of them. `node scripts/tools.mjs` fetches them; vitest.config.ts and the tests ask where they are.
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, readFileSync } from "node:fs";
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createBrotliDecompress } from "node:zlib";

const HOME = fileURLToPath(new URL("../test/browser/", import.meta.url));
const MODULES = join(HOME, "node_modules");
const UNPACKED = join(MODULES, ".cache/chromium");
const STAMP = join(MODULES, ".cache/stamp");
/** The packed binaries are for this platform alone. */
const PACKED = process.platform === "linux" && process.arch === "x64";

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

/** What test/browser/ should hold, as one number: the stamp of an installation that is complete. */
function wanted() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of ["test/browser/package-lock.json", "scripts/tools.mjs"]) {
    hash.update(readFileSync(new URL(`../${file}`, import.meta.url)));
  }
  return hash.digest("hex");
}

function installed() {
  return existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted();
}

/**
 * Installs test/browser/ unless it is as its lock file says. It is made elsewhere and renamed when complete, so neither
 * an interruption nor a second process that does the same leaves half of it.
 */
async function install() {
  if (installed()) return;
  const made = join(HOME, ".cache", randomUUID());
  try {
    await mkdir(made, { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) await cp(join(HOME, file), join(made, file));
    const npm = ["ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"];
    await promisify(execFile)("npm", npm, { cwd: made, shell: process.platform === "win32" });
    await mkdir(join(made, "node_modules/.cache"), { recursive: true });
    if (PACKED) await unpack(join(made, "node_modules"));
    await writeFile(join(made, "node_modules/.cache/stamp"), wanted());
    if (installed()) return; // another process was faster
    await rename(MODULES, join(made, "before")).catch(() => {});
    await rename(join(made, "node_modules"), MODULES).catch((error) => {
      if (!installed()) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

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
  const fonts = `<fontconfig><dir>${UNPACKED}/fonts</dir><cachedir>${UNPACKED}/fonts-cache</cachedir></fontconfig>\n`;
  await writeFile(join(target, "fonts.conf"), fonts);
}

/**
 * The browser to test in and how to start it.
 * @typedef {{ executablePath: string, args: string[], env: Record<string, string | undefined> }} Launch
 */

/**
 * Finds what the tests need, installing it on first use.
 * `CHROME_PATH` names another browser; a `VK_ICD_FILENAMES` that is set names another GPU.
 * @returns {Promise<{ browser?: Launch, gpu: Record<string, string>, missing: string[] }>} `gpu`: the environment in
 *   which Dawn finds the software GPU; it must be set before Node starts. `missing`: a sentence for each tool that is
 *   not there.
 */
export async function tools() {
  try {
    await install();
  } catch (error) {
    const reason = (error.stderr || error.message).trim().split("\n").slice(0, 3).join("; ");
    return { gpu: {}, missing: [`The packages of test/browser could not be installed (${reason}).`] };
  }
  const browser = findBrowser();
  const found = `None in the usual places of ${process.platform}; install Chrome or Chromium, or set CHROME_PATH`;
  return { browser, gpu: softwareGpu(), missing: browser ? [] : [`There is no browser. ${found}.`] };
}

function softwareGpu() {
  if (!PACKED || process.env.VK_ICD_FILENAMES) return {};
  const libraries = [UNPACKED, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return { LD_LIBRARY_PATH: libraries, VK_ICD_FILENAMES: join(UNPACKED, "vk_swiftshader_icd.json") };
}

function findBrowser() {
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
  const executablePath = own ?? BROWSERS[process.platform]?.find((path) => existsSync(path));
  return executablePath && { executablePath, args: ["--enable-unsafe-webgpu"], env: { ...process.env } };
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { missing } = await tools();
  for (const line of missing) console.error(line);
  process.exitCode = missing.length > 0 && process.env.CI ? 1 : 0;
}
