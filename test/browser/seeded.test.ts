import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { type OpenPage, TestBrowser } from "./chromium.ts";
import { seeded } from "./seeded.ts";

const PAGE = `<script type=module>
  import { seeded } from "/seeded.js";
  window.seeded = seeded;
  window.seededInWorker = () => new Promise((resolve, reject) => {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
</script>`;
const WORKER = `import { seeded } from "/seeded.js"; postMessage(await seeded());`;

type Hashes = Awaited<ReturnType<typeof seeded>>;
let here: Hashes;
let browser: TestBrowser;
let opened: OpenPage;
beforeAll(async () => {
  here = await seeded();
  browser = await TestBrowser.start();
  const bundled = await bundle("test/browser/seeded.ts");
  opened = await browser.open({ ...bundled, "/": PAGE, "/worker.js": WORKER });
  expect(opened.errors).toEqual([]);
});
afterAll(() => browser.close());

test.each(["seeded()", "seededInWorker()"])("%s gives Node's bytes in a page", async (run) => {
  const there = await opened.page.evaluate(run);
  expect(opened.errors).toEqual([]);
  expect(opened.foreign).toEqual([]);
  expect(there).toEqual(here);
});

// Other engines' Math differs in last bits. The report may follow it, what is generated and trained may not.
test("rows and model do not depend on how Math rounds", async () => {
  const script = `(() => {
    const names = ["exp", "expm1", "log", "log1p", "log2", "log10", "pow", "sin", "cos", "tan", "tanh", "cbrt", "hypot"];
    for (const name of names) {
      const exact = Math[name];
      Math[name] = (...args) => exact(...args) * (1 + 2 ** -52);
    }
    return seeded();
  })()`;
  const { synthetic, model } = (await opened.page.evaluate(script)) as Hashes;
  expect({ synthetic, model }).toEqual({ synthetic: here.synthetic, model: here.model });
});
