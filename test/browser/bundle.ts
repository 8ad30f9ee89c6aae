import { Rolldown } from "tsdown";

/** Bundles a module and all that it imports for a browser: contents by path, as a `TestBrowser` serves them. */
export async function bundle(entry: string): Promise<Record<string, string | Uint8Array>> {
  const { output } = await Rolldown.build({
    input: entry,
    platform: "browser",
    write: false,
    onLog(level, log) {
      if (level === "warn") throw new Error(log.message); // an import that no browser knows, for one
    },
  });
  return Object.fromEntries(
    output.map((file) => [`/${file.fileName}`, file.type === "chunk" ? file.code : file.source]),
  );
}
