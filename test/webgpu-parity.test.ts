import { useDawn } from "../sdk/dawn.ts";
import { openBackend } from "../sdk/engine/open.ts";
import { parity } from "./parity.ts";

useDawn();
parity("webgpu", () => openBackend({ engine: "webgpu" }));
