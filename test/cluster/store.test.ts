/** Where tables and results travel: folders, HTTP servers, S3. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { openStore, type Store } from "../../sdk/store.ts";
import { endAll, isSigned, type ObjectServer, startObjects } from "./machines.ts";

// The packages lie here and not beside the sources, where users have them.
vi.mock("node:module", async (original) => {
  const { createRequire } = await original<typeof import("node:module")>();
  return { createRequire: () => createRequire(import.meta.url) };
});

const home = mkdtempSync(join(tmpdir(), "makeit-store-"));
afterAll(async () => {
  await endAll();
  rmSync(home, { recursive: true });
});

const KEY = { id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const BYTES = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7);

type Broken = (hash: string, bytes: Uint8Array) => void;

/** A store of each kind, and how to change an object behind its back. */
const KINDS: [string, () => Promise<{ store: Store; breakIt: Broken }>][] = [
  [
    "a folder",
    async () => {
      const folder = join(home, "shared");
      const breakIt: Broken = (hash, bytes) =>
        writeFileSync(join(folder, "objects", hash.slice(0, 2), hash), bytes);
      return { store: openStore(folder), breakIt };
    },
  ],
  [
    "an HTTP server that wants a header and is busy now and then",
    async () => {
      let requests = 0;
      const server = await startObjects(({ headers }) => {
        if (headers.authorization !== "Bearer secret" || headers["x-team"] !== "a: b") return 403;
        return ++requests % 3 === 0 ? 503 : 200;
      });
      const env = { MAKEIT_STORE_HEADERS: "Authorization: Bearer secret\nX-Team: a: b\n" };
      return { store: openStore(`${server.url}/some/where`, env), breakIt: breaker(server, "/some/where/") };
    },
  ],
  [
    "an S3 server that checks signatures",
    async () => {
      const server = await startObjects((request, body) => (isSigned(request, body, KEY) ? 200 : 403));
      return { store: openStore("s3://bucket/runs", s3(server)), breakIt: breaker(server, "/bucket/runs/") };
    },
  ],
];

function s3(server: ObjectServer, secret = KEY.secret) {
  return {
    AWS_ACCESS_KEY_ID: KEY.id,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_REGION: "eu-central-1",
    AWS_ENDPOINT_URL: server.url,
  };
}

function breaker({ objects }: ObjectServer, prefix: string): Broken {
  return (hash, bytes) => {
    const path = `${prefix}objects/${hash.slice(0, 2)}/${hash}`;
    expect(objects.has(path)).toBe(true);
    objects.set(path, Buffer.from(bytes));
  };
}

describe.each(KINDS)("%s", (_, open) => {
  test("gives back what was put there, by its hash", async () => {
    const { store } = await open();
    await store.check();
    const hash = await store.put(BYTES);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await store.put(BYTES)).toBe(hash);
    expect([await store.has(hash), await store.has("0".repeat(64))]).toEqual([true, false]);
    expect(Buffer.from(await store.get(hash)).equals(Buffer.from(BYTES))).toBe(true);
  });

  test("keeps notes, which change and go", async () => {
    const { store } = await open();
    expect(await store.note("run-1.state")).toBeUndefined();
    for (const length of [3, 2]) await store.writeNote("run-1.state", new Uint8Array(length));
    expect((await store.note("run-1.state"))?.length).toBe(2);
    await store.removeNote("run-1.state");
    await store.removeNote("run-1.state");
    expect(await store.note("run-1.state")).toBeUndefined();
  });

  test("refuses bytes that are not those of the hash, and tells what is missing", async () => {
    const { store, breakIt } = await open();
    const hash = await store.put(BYTES);
    breakIt(hash, BYTES.subarray(1));
    await expect(store.get(hash)).rejects.toThrow(/holds other bytes \(SHA-256 \w{16}…\) under objects/);
    await expect(store.get("0".repeat(64))).rejects.toThrow(/holds no object objects\/00\/0{64}/);
    await expect(store.get("../../etc/passwd")).rejects.toThrow("is not a SHA-256");
  });
});

test("a folder holds whole files only, whoever else writes the same", async () => {
  const store = openStore(join(home, "busy"));
  await Promise.all(Array.from({ length: 8 }, () => store.put(BYTES)));
  const files = readdirSync(join(home, "busy/objects"), { recursive: true, encoding: "utf8" });
  expect(files.filter((file) => file.length > 10)).toHaveLength(1);
});

test("what cannot be is refused before any work", async () => {
  expect(() => openStore("ftp://user:secret@host/x")).toThrow(
    /--store is "ftp:\/\/host\/x"; expected a folder/,
  );
  expect(() => openStore("s3://bucket", {})).toThrow("needs AWS_ACCESS_KEY_ID");
  expect(() => openStore("http://host", { MAKEIT_STORE_HEADERS: "secret" })).toThrow(
    /is no header; expected/,
  );
  const server = await startObjects((request, body) => (isSigned(request, body, KEY) ? 200 : 403));
  await expect(openStore("s3://bucket", s3(server, "wrong")).check()).rejects.toThrow(
    "answered 403 to PUT notes/check",
  );
  await expect(openStore("http://127.0.0.1:1/").check()).rejects.toThrow(/cannot be reached \(/);
});

test("a login in the address is sent and not told", async () => {
  const login = `Basic ${Buffer.from("me:se cret").toString("base64")}`;
  const server = await startObjects(({ headers }) => (headers.authorization === login ? 200 : 401));
  const store = openStore(server.url.replace("//", "//me:se%20cret@"), {});
  await store.check();
  expect(store.name).toBe(`${server.url}/`);
});
