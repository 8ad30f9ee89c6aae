import { describe, test } from "vitest";
import { openBackend } from "../../../sdk/engine/open.ts";
import { WasmBackend } from "../../../sdk/engine/wasm.ts";
import { expectAdapter } from "../../adapter.ts";
import { contract } from "../../contract.ts";
import { parity } from "../../parity.ts";

contract("wasm in a browser", () => WasmBackend.open());

describe("a browser's GPU", () => {
  test("computes", () => expectAdapter(navigator.gpu));
});

const open = () => openBackend({ engine: "webgpu" });
contract("webgpu in a browser", open);
parity("webgpu in a browser", open);
