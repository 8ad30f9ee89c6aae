/** Whole runs on the browser's GPU. */
import { describe, expect, test } from "vitest";
import { openBackend } from "../../../sdk/engine/open.ts";
import { fit } from "../../../sdk/run.ts";
import { readTable } from "../../../sdk/table/read.ts";
import { learns, SMALL } from "../../learning.ts";
import { toy } from "../../toy.ts";

learns("webgpu in a browser", () => openBackend({ engine: "webgpu" }));

describe("fit in a browser", () => {
  async function table() {
    const { x, y } = toy(2);
    const rows = Array.from(y, (label, i) => `${x.data[2 * i]},${x.data[2 * i + 1]},${label}`);
    return readTable(`a,b,rare\n${rows.join("\n")}\n`);
  }
  const options = { ...SMALL, target: "rare", epochs: 4, splits: 2 };

  test("on the GPU, as asked", async () => {
    const { result, synthetic } = await fit(await table(), { ...options, engine: "webgpu", profile: true });
    expect(result).toMatchObject({ engine: "webgpu", engineReason: "asked for" });
    expect(result.splits.map(({ engines }) => engines)).toEqual([
      [{ engine: "webgpu", from: 1 }],
      [{ engine: "webgpu", from: 1 }],
    ]);
    expect(synthetic.rows).toBeGreaterThan(0);
    expect(result.profile!.map(({ kernel }) => kernel)).toContain("dense");
  });

  test("left to itself it does not take a software GPU", async () => {
    const { result } = await fit(await table(), options);
    if (!/plays a GPU/.test(result.engineReason)) return;
    expect(result.engine).toBe("wasm");
  });
});
