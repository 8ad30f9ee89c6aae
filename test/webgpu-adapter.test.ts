import { test } from "vitest";
import { create, globals } from "webgpu";
import { expectAdapter } from "./adapter.ts";

test("Dawn has a GPU that computes", async () => {
  Object.assign(globalThis, globals);
  await expectAdapter(create([]));
});
