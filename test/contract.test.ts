import { WasmBackend } from "../sdk/engine/wasm.ts";
import { contract } from "./contract.ts";

contract("wasm", () => WasmBackend.open());
