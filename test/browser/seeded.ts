import { fit, Random, readTable } from "../../sdk/index.ts";
import { writeCsv } from "../../sdk/table/index.ts";

/** SHA-256 of all that a small run makes: equal wherever it runs, whatever the machine. */
export async function seeded(): Promise<Record<"synthetic" | "model" | "result", string>> {
  const random = new Random(3);
  const rows = Array.from({ length: 90 }, (_, i) => {
    const [rare, noise] = [i % 5 === 0, random.uniform()];
    return {
      amount: i % 11 ? Math.round(1000 * (noise + (rare ? 0.5 : 0))) / 1000 : null,
      day: new Date(1.7e12 + 864e5 * Math.floor(99 * random.uniform())),
      colour: random.uniform() < 0.7 === rare ? "red" : i % 3 ? "blue" : "green",
      class: rare ? "rare" : "usual",
    };
  });
  const names = ["amount", "day", "colour", "class"] as const;
  const cells = Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));
  const table = await readTable(cells, { name: "seeded" });
  const quick = {
    engine: "wasm",
    epochs: 3,
    splits: 2,
    rescoreDraws: 1,
    rescore: 6,
    vote: 4,
    samples: "16",
    batchSize: 4,
  } as const;
  const { synthetic, model, result } = await fit(table, { ...quick, seed: 5, target: "class" });
  return {
    synthetic: await sha256(writeCsv(synthetic)),
    model: await sha256(model.toBytes()),
    result: await sha256(JSON.stringify(result, (key, value) => (key === "seconds" ? 0 : value))),
  };
}

async function sha256(content: string | Uint8Array): Promise<string> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
