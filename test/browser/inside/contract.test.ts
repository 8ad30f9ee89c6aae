import { test } from "vitest";
import { WasmBackend } from "../../../sdk/engine/wasm.ts";
import { expectAdapter } from "../../adapter.ts";
import { contract } from "../../contract.ts";

test("the browser has a GPU that computes", () => expectAdapter(navigator.gpu));

contract("wasm in a browser", () => WasmBackend.open());
