/**
 * What goes wrong in a worker thread, for tests: preloaded with NODE_OPTIONS=--require. MAKEIT_FAULT is
 * `{ what, epoch, times, marks }`: what happens when a training says that an epoch is over, to so many threads; `marks`
 * is a folder that counts them.
 */
const { mkdirSync, existsSync } = require("node:fs");
const fs = require("node:fs");
const { join } = require("node:path");
const { isMainThread, parentPort } = require("node:worker_threads");
const { syncBuiltinESMExports } = require("node:module");

const { what, epoch, times, marks } = JSON.parse(process.env.MAKEIT_FAULT);

const FAULTS = {
  throw() {
    throw new RangeError("planted");
  },
  exit() {
    process.exit(7);
  },
  hang() {
    for (;;);
  },
  memory() {
    const kept = [];
    for (;;) kept.push(new Array(1e5).fill(kept.length));
  },
};

/** Whether there is still one to break; each counts once, whatever threads there are. */
function claim() {
  for (let i = 0; i < times; i++) {
    try {
      mkdirSync(join(marks, String(i)));
      return true;
    } catch {}
  }
  return false;
}

if (what === "disk") {
  // Full while the mark is there.
  const { writeFileSync } = fs;
  fs.writeFileSync = (file, data, ...rest) => {
    if (typeof file !== "number" || !existsSync(join(marks, "full")))
      return writeFileSync(file, data, ...rest);
    writeFileSync(file, data.slice(0, data.length / 2), ...rest);
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
  };
  syncBuiltinESMExports();
} else if (!isMainThread && parentPort) {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (message) => {
    post(message);
    if (message.epoch?.[0] === epoch && claim()) FAULTS[what]();
  };
}
