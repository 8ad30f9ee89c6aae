/** The page: puts its parts together. */

import { inputError } from "../sdk/errors.ts";
import { VERSION } from "../sdk/version.ts";
import { drawArt } from "./art.ts";
import { Data, type Opening } from "./data.ts";
import { DEMOS, type Demo } from "./demos.ts";
import { get, h, isSeen, lead, s, say, showProblem } from "./dom.ts";
import { areImages, chosen, dropped, type GivenFile, nameOf } from "./files.ts";
import { readLink, writeLink } from "./link.ts";
import { remote } from "./remote.ts";
import { Results } from "./results.ts";
import { Sampling } from "./sampling.ts";
import { Settings } from "./settings.ts";
import { Training } from "./training.ts";
import { counted } from "./words.ts";
import type { News, Studio } from "./worker/studio.ts";

const worker = new Worker(new URL("./studio.js", import.meta.url), { type: "module", name: "studio" });
const studio = remote<Studio, News>(worker, (news) => {
  if (news.kind === "read") return tellReading(news);
  training.hear(news);
  if (news.kind === "done" && news.result) results.addSplit(news.result);
});
const link = readLink(location.hash);
const data = new Data(studio, { size: link.size, channels: link.channels, onRead: () => showLink() });
const settings = new Settings(link.given, { onChange: showLink, onTrain: () => void train() });
const training = new Training({ onStop: () => void studio.stop() });
const results = new Results(studio);
const sampling = new Sampling(studio);

/** The demo that is open: the one word of the address that is no setting. */
let demo = DEMOS.find(({ id }) => id === link.demo);

function showLink(): void {
  const words = writeLink(settings.given, { demo: demo?.id, ...data.reading });
  history.replaceState(null, "", words ? `#${words}` : location.pathname);
}

/** What a user hands over: a table, images, or a model to draw from. */
async function open(files: readonly GivenFile[]): Promise<void> {
  if (training.running || files.length === 0) return;
  if (areImages(files)) return openImages(files);
  if (files.length > 1) {
    const hint = "Give one table, one model, or images: a folder of class folders, IDX, CIFAR-10 or .npz.";
    return fail(inputError(`${files.length} files at once, and none is an image.`, hint));
  }
  const [{ data: file }] = files;
  if (/\.safetensors$/i.test(file.name)) return openModel(file);
  return reading(file.name, () => openTable(file, { name: file.name }));
}

async function openTable(source: Blob, opening: Opening, from?: Demo): Promise<void> {
  await data.open(source, opening);
  settings.images = false;
  showBench(opening.name, from);
}

async function openImages(files: readonly GivenFile[]): Promise<void> {
  const name = nameOf(files);
  await reading(name, async () => {
    await data.openImages(files, name);
    settings.images = true;
    showBench(name);
  });
}

function showBench(name: string, from?: Demo): void {
  demo = from;
  showLink();
  const first = !get("start").classList.contains("small");
  get("start").classList.add("small");
  if (first) lead(get("data"));
  else get("data-title").focus({ preventScroll: false });
  say(`${name} is read.`);
}

async function openModel(file: File): Promise<void> {
  await reading(file.name, async () => {
    sampling.show(await studio.openModel(file, file.name));
    lead(get("sample"));
  });
}

async function openDemo(chosen: Demo): Promise<void> {
  const { file, title, target, positive, drop } = chosen;
  await reading(title, async () => {
    const answer = await fetch(new URL(`./demo/${file}`, document.baseURI));
    if (!answer.ok) throw inputError(`${file} could not be loaded.`, "Load the page again.");
    settings.given = { ...chosen.settings, ...settings.given };
    const opening = { name: file.replace(/\.gz$/, ""), target, positive, drop };
    await openTable(await answer.blob(), opening, chosen);
  });
}

function tellReading({ done, count }: { done: number; count: number }): void {
  get("reading-done").textContent = `${done.toLocaleString("en")} of ${counted(count, "image")}`;
}

let last: Promise<void> = Promise.resolve();

/** Reads one thing after the other, in the order they were given. */
function reading(name: string, work: () => Promise<void>): Promise<void> {
  last = last.then(() => readNow(name, work));
  return last;
}

/** Says that something is being read while it is, and what went wrong. */
async function readNow(name: string, work: () => Promise<void>): Promise<void> {
  showProblem(get("start-problem"));
  get("reading-name").textContent = `Reading ${name}`;
  get("reading-done").textContent = "";
  say(`Reading ${name}`);
  get("reading").hidden = false;
  try {
    await work();
  } catch (error) {
    fail(error);
  } finally {
    get("reading").hidden = true;
  }
}

function fail(error: unknown): void {
  showProblem(get("start-problem"), error);
  get("start-problem").scrollIntoView({ block: "nearest" });
}

async function train(): Promise<void> {
  await last; // of a table that is shown already the classes may still be counted
  if (training.running || !settings.valid) return;
  const { ready } = data;
  if (!ready) return data.ask();
  const { values } = settings;
  const metric = String(values.metric);
  lock(true);
  const splits = values.splits * values.repeats;
  results.begin({ metric, splits, images: data.images });
  training.begin({ metric, splits, epochs: values.epochs });
  lead(get("training"));
  try {
    const result = await studio.fit({ ...settings.given, ...ready });
    const waits = isSeen(get("training"));
    training.finish(result);
    results.show(result, waits);
    sampling.show(await studio.model());
    say(result.verdict.sentence);
    if (waits) lead(get("result"));
  } catch (error) {
    training.fail(error);
    results.abandon();
  } finally {
    lock(false);
  }
}

function lock(locked: boolean): void {
  data.locked = locked;
  settings.locked = locked;
  for (const opener of document.querySelectorAll<HTMLInputElement>("#file, #folder, [data-opens]"))
    opener.disabled = locked;
}

function listDemos(): void {
  const items = DEMOS.map((demo) => {
    const button = h(
      "button",
      { type: "button", class: "demo", "data-demo": demo.id },
      h("b", {}, demo.title),
      h("span", {}, demo.question),
      s(
        "svg",
        { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
        s("rect", { width: 100, height: 4, class: "common" }),
        s("rect", { width: 100 * demo.share, height: 4, class: "rare" }),
      ),
      h("small", {}, `${demo.facts}. ${demo.source}`),
    );
    button.addEventListener("click", () => void openDemo(demo));
    return h("li", {}, button);
  });
  get("demos").append(...items);
}

function listenToFiles(): void {
  const input = get<HTMLInputElement>("file");
  for (const one of [input, get<HTMLInputElement>("folder")]) {
    one.addEventListener("change", async () => {
      await open(chosen(one.files ?? []));
      one.value = "";
    });
  }
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-opens]")) {
    button.addEventListener("click", () => get(button.dataset.opens!).click());
  }
  const over = (event: DragEvent, inside: boolean) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.toggle("over", inside);
  };
  addEventListener("dragover", (event) => over(event, true));
  addEventListener("dragleave", (event) => event.relatedTarget === null && over(event, false));
  addEventListener("drop", (event) => {
    over(event, false);
    if (event.dataTransfer) void dropped(event.dataTransfer).then(open, fail);
  });
  // Cells copied in a spreadsheet come as tab-separated text.
  addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const typing = event.target instanceof HTMLInputElement;
    if (!typing && /[\t,;].*\n/.test(text))
      void open(chosen([new File([text], text.includes("\t") ? "pasted.tsv" : "pasted.csv")]));
  });
}

/** Stores this version of the page in the browser, and says so once every part of it is there. */
async function workOffline(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  try {
    const registration = await serviceWorker.register(new URL("./sw.js", document.baseURI));
    await serviceWorker.ready;
    if (!serviceWorker.controller) await once(serviceWorker, "controllerchange");
    await registration.update().catch(() => {}); // there may be no network by now
    while (registration.installing) await once(registration.installing, "statechange");
    document.documentElement.dataset.offline = "ready";
    get("offline").hidden = false;
  } catch {
    // Without it everything works but for an interrupted network.
  }
}

const once = (target: EventTarget, event: string) =>
  new Promise((resolve) => target.addEventListener(event, resolve, { once: true }));

get("art").append(drawArt());
get("version").textContent = VERSION;
get("cores").textContent = counted(Math.max(1, navigator.hardwareConcurrency - 1), "core");
listDemos();
listenToFiles();
if (link.problems.length > 0)
  fail(inputError(link.problems[0], "The link's other settings were taken over."));
if (demo) void openDemo(demo);
addEventListener("beforeunload", (event) => {
  if (training.running) event.preventDefault();
});
void workOffline();
