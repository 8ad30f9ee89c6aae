import { createRequire } from "node:module";

/** The package's version. One level up holds for cli/ and for dist/ alike. */
export const VERSION: string = createRequire(import.meta.url)("../package.json").version;
