import { fit, readTable, writeCsv } from "../../sdk/index.ts";
import { toy } from "../toy.ts";

/** SHA-256 of all that a small run makes: equal wherever it runs, whatever the machine. */
export async function seeded(): Promise<Record<"synthetic" | "model" | "result", string>> {
  const { x, y } = toy(2, 90);
  const cells = {
    amount: Array.from(y, (_, i) => (i % 11 ? Math.round(x.data[2 * i] * 1000) / 1000 : null)),
    day: Array.from(y, (_, i) => new Date(1.7e12 + Math.round(20 * x.data[2 * i + 1]) * 864e5)),
    colour: Array.from(y, (label, i) => (label ? "red" : i % 3 ? "blue" : "green")),
    class: Array.from(y, (label) => (label ? "rare" : "usual")),
  };
  const table = await readTable(cells, { name: "seeded" });
  const quick = { epochs: 3, splits: 2, rescoreDraws: 1, rescore: 6, vote: 4, samples: "16", batchSize: 4 };
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
