/** Reads the CSV file that is named and encodes all its rows. */
import { readTable } from "../../sdk/node.ts";
import { Encoder } from "../../sdk/table/encoder.ts";

const table = await readTable(process.argv[2]);
const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
const encoder = Encoder.fit(table, { target: "fault", positive: "yes", rows });
const { rows: count } = encoder.encode(table, rows);
if (encoder.labels(table, rows).length !== count) throw new Error("Rows were lost.");
