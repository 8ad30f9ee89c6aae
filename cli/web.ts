/** `makeit web`: the page, served from this machine to this machine. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MakeitError } from "../sdk/errors.ts";
import { command, EXIT } from "./command.ts";
import { JSON_FLAG } from "./flags.ts";

/** Beside the command line in dist/. */
const PAGE = fileURLToPath(new URL("./web/", import.meta.url));
/** MAKE on a telephone's keys; a port that nothing else is known to use. */
const PORT = 6253;

const FLAGS = {
  port: {
    kind: "integer",
    group: "Other",
    min: 0,
    max: 65535,
    default: PORT,
    describe: "The port to listen on (0: any that is free)",
  },
  ...JSON_FLAG,
} as const;

export const web = command({
  name: "web",
  describe: "Serve the page to this machine's browser; your data stays in it",
  positionals: {},
  flags: FLAGS,
  examples: [
    ["makeit web", "then open the address it prints; Ctrl-C ends it"],
    ["makeit web --port 0", "on any port that is free"],
  ],
  async run(values, _files, terminal) {
    if (!existsSync(PAGE)) {
      throw new MakeitError("internal", "The page is not built.", "In the repository run: npm run build");
    }
    const { serveFolder } = await import("./server.ts");
    const site = await serveFolder(PAGE, { port: values.port ?? PORT });
    await terminal.show(`Makeit is at ${site.url} for this machine alone. Ctrl-C ends it.`);
    await terminal.object({ url: site.url });
    await new Promise<void>((resolve) => {
      process.once("SIGINT", resolve);
      process.once("SIGTERM", resolve);
    });
    await site.close();
    return EXIT.done;
  },
});
