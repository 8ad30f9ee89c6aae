/**
 * Keeps the page working when the network is gone: its files are stored when it is first opened. FILES and CACHE are
 * written in front of this by the build.
 */
declare const FILES: readonly string[];
declare const CACHE: string;

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetched extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
const worker = self as unknown as { clients: { claim(): Promise<void> } };
const PREFIX = "makeit-";

addEventListener("install", (event) => {
  const store = async () => (await caches.open(CACHE)).addAll(FILES);
  (event as Extendable).waitUntil(store());
});

addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
    await worker.clients.claim();
  };
  (event as Extendable).waitUntil(tidy());
});

addEventListener("fetch", (event) => {
  const { request } = event as Fetched;
  if (request.method === "GET" && new URL(request.url).origin === location.origin) {
    (event as Fetched).respondWith(answer(request));
  }
});

/** The page itself is fetched anew while there is a network, so that a new version is seen; its parts are not. */
async function answer(request: Request): Promise<Response> {
  const stored = await caches.match(request, { ignoreSearch: true });
  if (request.mode !== "navigate") return stored ?? fetch(request);
  return fetch(request).catch(() => stored ?? caches.match("./").then((page) => page ?? Response.error()));
}
