import fc from "fast-check";
import { expect, test } from "vitest";
import { Encoder } from "../sdk/table/encoder.ts";
import { readTable } from "../sdk/table/read.ts";
import { type Column, cellText, isMissing, type Table } from "../sdk/table/table.ts";
import { checkTarget } from "../sdk/table/target.ts";
import { demoData } from "./demoData.ts";

const ABALONE = `Sex,Length,Rings,smoker,born,class
M,0.455,15,no,2001-02-03,negative
F,0.53,7,yes,1999-12-31,negative
I,0.33,9,no,2004-02-29,negative
F,0.71,10,yes,2000-01-01,positive
M,0.35,,no,2010-10-10,positive
,0.44,8,no,2001-02-04,negative
`;

const column = (table: Table, name: string): Column => table.columns.find((c) => c.name === name)!;
const texts = (c: Column, rows: number) => Array.from({ length: rows }, (_, row) => cellText(c, row));

test("features of every kind, in the table's order", async () => {
  const encoder = Encoder.fit(await readTable(ABALONE), { target: "class" });
  expect(encoder.features.map((f) => `${f.kind}: ${f.name}`)).toEqual([
    "onehot: Sex = F",
    "onehot: Sex = I",
    "onehot: Sex = M",
    "missing: Sex missing",
    "numeric: Length",
    "numeric: Rings",
    "missing: Rings missing",
    "boolean: smoker",
    "datetime: born",
  ]);
  expect(encoder.width).toBe(9);
  expect(encoder.columns).toEqual(["Sex", "Length", "Rings", "smoker", "born"]);
  expect(encoder.classes).toEqual(["negative", "positive"]);
});

test("numbers are standardised with the fitted rows' mean and deviation; missing is the mean", async () => {
  const table = await readTable(ABALONE);
  const rows = [0, 1, 2, 4];
  const encoder = Encoder.fit(table, { target: "class", rows });
  const x = encoder.encode(table);
  const at = encoder.features.findIndex((f) => f.name === "Rings");
  const mean = (15 + 7 + 9) / 3;
  const sd = Math.sqrt(((15 - mean) ** 2 + (7 - mean) ** 2 + (9 - mean) ** 2) / 3);
  const expected = [15, 7, 9, 10, mean, 8].map((value) => Math.fround((value - mean) / sd));
  const got = Array.from({ length: 6 }, (_, row) => x.data[row * x.cols + at]);
  expect(got).toEqual(expected);
  const flags = Array.from({ length: 6 }, (_, row) => x.data[row * x.cols + at + 1]);
  expect(flags).toEqual([0, 0, 0, 0, 1, 0]);
});

test("decode gives back the table that was encoded, target included", async () => {
  const table = await readTable(ABALONE);
  const encoder = Encoder.fit(table, { target: "class" });
  const back = encoder.decode(encoder.encode(table), encoder.labels(table));
  expect(back.columns.map((c) => c.name)).toEqual(table.columns.map((c) => c.name));
  for (const c of table.columns) {
    expect(texts(column(back, c.name), 6)).toEqual(texts(c, 6));
    expect(column(back, c.name).role).toBe(c.role);
  }
});

test("generated rows obey ranges, decimals, types and categories whatever the numbers", async () => {
  const table = await readTable(ABALONE);
  const encoder = Encoder.fit(table, { target: "class" });
  const value = fc.oneof(fc.float({ noDefaultInfinity: true }), fc.constant(Number.NaN));
  fc.assert(
    fc.property(fc.array(value, { minLength: 9, maxLength: 9 }), (row) => {
      const x = { data: Float32Array.from(row), rows: 1, cols: 9 };
      const back = encoder.decode(x);
      const length = Number(cellText(column(back, "Length"), 0));
      expect(length).toBeGreaterThanOrEqual(0.33);
      expect(length).toBeLessThanOrEqual(0.71);
      expect(cellText(column(back, "Length"), 0)).toMatch(/^0\.\d{1,3}$/);
      expect(["", "7", "8", "9", "10", "11", "12", "13", "14", "15"]).toContain(
        cellText(column(back, "Rings"), 0),
      );
      expect(isMissing(column(back, "Rings"), 0)).toBe(row[6] > 0.5);
      expect(["", "F", "I", "M"]).toContain(cellText(column(back, "Sex"), 0));
      expect(["no", "yes"]).toContain(cellText(column(back, "smoker"), 0));
      const born = cellText(column(back, "born"), 0);
      expect(born >= "1999-12-31" && born <= "2010-10-10").toBe(true);
      // The projection in encoded space is the same one, to the bit.
      expect(encoder.snap(x).data).toEqual(encoder.encode(back).data);
    }),
  );
});

/** Columns of each kind with the hardest names and words. */
const word = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "a,b", 'say "x"', "é", "x\ny"),
  fc.string({ minLength: 1 }).filter((s) => s.trim() !== ""),
);
const mixed = fc.integer({ min: 4, max: 30 }).chain((rows) => {
  const cells = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.array(fc.option(arbitrary, { freq: 6 }), { minLength: rows, maxLength: rows });
  return fc.record({
    words: fc.array(word, { minLength: 1, maxLength: 6 }).chain((pool) => cells(fc.constantFrom(...pool))),
    whole: cells(fc.integer({ min: -1000, max: 1000 })),
    price: cells(fc.integer({ min: -99_999, max: 99_999 }).map((cents) => cents / 100)),
    flag: cells(fc.boolean()),
    day: cells(fc.integer({ min: -20_000, max: 20_000 }).map((d) => new Date(d * 86_400_000))),
    name: fc.constantFrom("__proto__", "constructor", "x y", "价"),
    anchors: fc.constant(Array.from({ length: rows }, (_, i) => (i % 2 === 0 ? "a" : "b"))),
    numbers: fc.constant(Array.from({ length: rows }, (_, i) => i % 3)),
  });
});

test("decode(encode(t)) = t for any table; snap(encode(t)) = encode(t)", async () => {
  await fc.assert(
    fc.asyncProperty(mixed, async ({ name, words, anchors, ...rest }) => {
      const record = Object.fromEntries([[name, words], ...Object.entries(rest), ["target", anchors]]);
      const table = await readTable(record, { categorical: [name] });
      const encoder = Encoder.fit(table, { target: "target" });
      const x = encoder.encode(table);
      const back = encoder.decode(x, encoder.labels(table));
      for (const c of table.columns)
        expect(texts(column(back, c.name), table.rows)).toEqual(texts(c, table.rows));
      expect(encoder.snap(x).data).toEqual(x.data);
      const restored = Encoder.fromJSON(JSON.parse(JSON.stringify(encoder)));
      expect(restored.encode(table).data).toEqual(x.data);
      expect(restored.decode(x)).toEqual(encoder.decode(x));
      expect(restored.features).toEqual(encoder.features);
    }),
    { numRuns: 60 },
  );
});

test("snap is encode(decode(x)) on noise, scaled or raw", async () => {
  const rows = 60;
  const table = await readTable({
    city: Array.from({ length: rows }, (_, i) => `city ${Math.floor(Math.sqrt(i * 4))}`),
    price: Array.from({ length: rows }, (_, i) => (i % 7 === 0 ? null : (i * 37) / 8)),
    flag: Array.from({ length: rows }, (_, i) => i % 3 === 0),
    class: Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? "rare" : "usual")),
  });
  for (const scale of [true, false]) {
    const encoder = Encoder.fit(table, { target: "class", maxCategories: 5, scale });
    fc.assert(
      fc.property(fc.infiniteStream(fc.float({ min: -50, max: 50, noNaN: true })), (stream) => {
        const data = Float32Array.from({ length: 8 * encoder.width }, () => stream.next().value);
        const x = { data, rows: 8, cols: encoder.width };
        const snapped = encoder.snap(x);
        expect(snapped.data).toEqual(encoder.encode(encoder.decode(x)).data);
        expect(encoder.snap(snapped).data).toEqual(snapped.data);
      }),
      { numRuns: 50 },
    );
  }
});

test("numbers that a feature cannot tell apart are written with the fewest digits", async () => {
  const alcohol = ["9.5", "9.8", "9.55", "10.0333333333333", "14.9", "8.4", "9.53333333333333"];
  const table = await readTable(`alcohol,y\n${alcohol.map((cell, i) => `${cell},${i % 2}`).join("\n")}\n`);
  for (const scale of [true, false]) {
    const encoder = Encoder.fit(table, { target: "y", scale });
    const x = encoder.encode(table);
    const back = encoder.decode(x);
    const found = texts(column(back, "alcohol"), 7);
    for (const row of [0, 1, 2, 4, 5]) expect(found[row]).toBe(alcohol[row]);
    for (const row of [3, 6]) {
      expect(found[row].length).toBeLessThan(13);
      // f32 carries 24 bits: half a unit in the last place of 16 is 2^-20.
      expect(Math.abs(Number(found[row]) - Number(alcohol[row]))).toBeLessThan(2 ** -20);
    }
    expect(encoder.encode(back).data).toEqual(x.data);
  }
});

test("a column that is missing throughout, in the table or in the training rows", async () => {
  const table = await readTable("x,gone,part,y\n1,,,n\n2,,,n\n3,,,p\n4,,7,p\n5,,8,p\n");
  const encoder = Encoder.fit(table, { target: "y", rows: [0, 1, 2] });
  expect(encoder.columns).toEqual(["x"]);
  const back = encoder.decode(encoder.encode(table));
  expect(texts(column(back, "gone"), 5)).toEqual(["", "", "", "", ""]);
  expect(texts(column(back, "part"), 5)).toEqual(["", "", "", "", ""]);
});

test("birdstrikes: one class against the rest; cells come back, or names as frequent", async () => {
  const text = demoData("birdstrikes.csv").toString();
  const table = await readTable(text, { name: "birdstrikes.csv" });
  const target = "Effect Amount of damage";
  expect(() => Encoder.fit(table, { target })).toThrow(/class "B" of column .* has one row/);
  const encoder = Encoder.fit(table, { target, positive: "Substantial" });
  expect(encoder.classes).toEqual(["not Substantial", "Substantial"]);
  const y = encoder.labels(table);
  expect(y.reduce((sum, label) => sum + label, 0)).toBe(311);
  const x = encoder.encode(table);
  const back = encoder.decode(x, y);
  const frequencies = encoder.features.filter((f) => f.kind === "frequency").map((f) => f.column);
  expect(frequencies).toContain("Airport Name");
  for (const c of table.columns) {
    if (c.name === target) continue;
    const [found, expected] = [texts(column(back, c.name), table.rows), texts(c, table.rows)];
    const often = occurrences(expected);
    if (frequencies.includes(c.name)) expect(found.map(often)).toEqual(expected.map(often));
    else expect(found).toEqual(expected);
  }
  expect(encoder.snap(x).data).toEqual(x.data);
});

/** How often a cell's text occurs among `cells`. */
function occurrences(cells: string[]): (cell: string) => number {
  const counts = new Map<string, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return (cell) => counts.get(cell) ?? 0;
}

test("unscaled: the values themselves", async () => {
  const table = await readTable(ABALONE);
  const encoder = Encoder.fit(table, { target: "class", scale: false });
  const x = encoder.encode(table);
  const at = encoder.features.findIndex((f) => f.name === "Length");
  expect(x.data[at]).toBe(Math.fround(0.455));
  expect(x.data[4 * x.cols + at + 1]).toBe(Math.fround((15 + 7 + 9 + 10 + 8) / 5));
});

test("nothing of the rows outside the fit is learnt", async () => {
  const table = await readTable("x,c,y\n1,a,n\n2,b,n\n3,a,p\n900,zebra,p\n");
  const encoder = Encoder.fit(table, { target: "y", rows: [0, 1, 2] });
  expect(JSON.stringify(encoder)).not.toMatch(/900|zebra/);
  const x = encoder.encode(table, [3]);
  expect([...x.data.slice(1)]).toEqual([0, 0]);
  expect(cellText(encoder.decode(x).columns[0], 0)).toBe("3");
});

test("a column that does not vary in the training rows is written back, not learnt", async () => {
  const table = await readTable("x,k,z,y\n1,same,5,n\n2,same,5,n\n3,same,5,p\n4,same,6,p\n");
  const encoder = Encoder.fit(table, { target: "y", rows: [0, 1, 2] });
  expect(encoder.columns).toEqual(["x"]);
  const back = encoder.decode(encoder.encode(table), encoder.labels(table));
  expect(texts(column(back, "k"), 4)).toEqual(["same", "same", "same", "same"]);
  expect(texts(column(back, "z"), 4)).toEqual(["5", "5", "5", "5"]);
});

test("100,000 categories: one feature, frequencies come back, equally frequent ones take turns", async () => {
  const rows = 200_000;
  const city = Array.from({ length: rows }, (_, i) => `c${i < 100_000 ? i : i % 7}`);
  const table = await readTable({
    city,
    y: city.map((_, i) => (i % 10 === 0 ? "p" : "n")),
    x: city.map((_, i) => i % 13),
  });
  const start = performance.now();
  const encoder = Encoder.fit(table, { target: "y" });
  const x = encoder.encode(table);
  const back = encoder.decode(x);
  expect(performance.now() - start).toBeLessThan(5000);
  expect(encoder.width).toBe(2);
  const counts = new Map<string, number>();
  for (const name of city) counts.set(name, (counts.get(name) ?? 0) + 1);
  const found = column(back, "city");
  const generated = new Set<string>();
  for (let row = 0; row < rows; row += 97) {
    expect(counts.get(cellText(found, row))).toBe(counts.get(city[row]));
    generated.add(cellText(found, row));
  }
  expect(generated.size).toBeGreaterThan(1000);
});

test("a split is said in the column's own units", async () => {
  const table = await readTable(ABALONE);
  const encoder = Encoder.fit(table, { target: "class" });
  const x = encoder.encode(table);
  const at = (name: string) => encoder.features.findIndex((f) => f.name === name);
  const middle = (name: string, a: number, b: number) =>
    encoder.describe(at(name), (x.data[a * x.cols + at(name)] + x.data[b * x.cols + at(name)]) / 2);
  expect(middle("Length", 0, 5)).toEqual({ left: "Length ≤ 0.447", right: "Length > 0.447" });
  expect(middle("Rings", 2, 3)).toEqual({ left: "Rings ≤ 9", right: "Rings > 9" });
  // A threshold that equals a value keeps it on the left.
  expect(encoder.describe(at("Length"), x.data[at("Length")]).left).toBe("Length ≤ 0.455");
  expect(middle("born", 0, 5)).toEqual({ left: "born ≤ 2001-02-03", right: "born > 2001-02-03" });
  expect(encoder.describe(at("Sex = M"), 0.5)).toEqual({ left: "Sex ≠ M", right: "Sex = M" });
  expect(encoder.describe(at("smoker"), 0)).toEqual({ left: "smoker = no", right: "smoker = yes" });
  expect(encoder.describe(at("Rings missing"), 0.5)).toEqual({
    left: "Rings is known",
    right: "Rings is missing",
  });
  expect(() => encoder.describe(9, 0)).toThrow(/no feature 9/);
  const zoned = await readTable(
    "t,y\n2024-01-01T12:00:00+02:00,0\n2024-01-01T18:00:00+02:00,1\n2024-01-02T12:00:00+02:00,0\n2024-01-03T12:00:00+02:00,1\n",
    { name: "t" },
  );
  const own = Encoder.fit(zoned, { target: "y", positive: "0" });
  expect(own.describe(0, own.encode(zoned).data[0]).left).toBe("t ≤ 2024-01-01T12:00:00");
});

test("classes: rarer is positive, or the one asked for, or one against the rest", async () => {
  const two = await readTable("x,y\n1,0\n2,0\n3,1\n4,1\n5,1\n");
  expect(Encoder.fit(two, { target: "y" }).classes).toEqual(["1", "0"]);
  expect(Encoder.fit(two, { target: "y", positive: "1" }).classes).toEqual(["0", "1"]);
  const even = await readTable("x,y\n1,yes\n2,no\n3,no\n4,yes\n");
  expect(Encoder.fit(even, { target: "y" }).classes).toEqual(["no", "yes"]);
  const three = await readTable("x,y\n1,a\n2,b\n3,b\n4,c\n5,a\n6,c\n7,c\n8,\n");
  const all = Encoder.fit(three, { target: "y" });
  expect(all.classes).toEqual(["c", "a", "b"]);
  expect([...all.targetRows(three)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect([...all.labels(three, all.targetRows(three))]).toEqual([1, 2, 2, 0, 1, 0, 0]);
  expect(() => all.labels(three)).toThrow(/row 8: target "y" is missing/);
  const one = Encoder.fit(three, { target: "y", positive: "b" });
  expect(one.classes).toEqual(["not b", "b"]);
  const labels = one.labels(three, all.targetRows(three));
  expect([...labels]).toEqual([0, 1, 1, 0, 0, 0, 0]);
  const back = one.decode(one.encode(three, all.targetRows(three)), labels);
  expect([...one.labels(back)]).toEqual([...labels]);
});

test("another table of the same columns is read by name, whatever roles it got", async () => {
  const table = await readTable(
    "x,n,d,c,y\n1,no,2001-01-01,1,0\n2,yes,2002-02-02,2,1\n3,no,2003-03-03,3+,0\n4,yes,2003-03-04,2,1\n",
  );
  const encoder = Encoder.fit(table, { target: "y" });
  const other = await readTable("y,c,d,n,x\n0.0,2,2002-02-02,no,2.0\n0.0,1,2002-02-02,no,2.0\n");
  expect(other.columns.map((c) => c.role)).toEqual([
    "constant",
    "integer",
    "constant",
    "constant",
    "constant",
  ]);
  expect([...encoder.labels(other)]).toEqual([0, 0]);
  const x = encoder.encode(other);
  const own = encoder.encode(table);
  const feature = (name: string) => encoder.features.findIndex((f) => f.name === name);
  expect(x.data[feature("x")]).toBe(own.data[own.cols + feature("x")]);
  expect(x.data[feature("n")]).toBe(own.data[feature("n")]);
  expect(x.data[feature("d")]).toBe(own.data[own.cols + feature("d")]);
  expect(x.data[feature("c = 2")]).toBe(1);
  const wrong = await readTable("y,c,d,n,x\n0,2,soon,no,2.0\n0,1,now,no,2.0\n");
  expect(() => encoder.encode(wrong)).toThrow(/row 1, column "d": found "soon", expected a date/);
  const short = await readTable("y,c,d,n\n0,2,soon,no\n0,1,now,no\n");
  expect(() => encoder.encode(short)).toThrow(/no column "x"/);
});

test("targets that cannot be predicted", async () => {
  const table = await readTable(
    "price,class,one,key,lone\n" +
      Array.from(
        { length: 30 },
        (_, i) => `${i * 1.5},${i % 2 ? "a" : "b"},same,k${i},${i === 7 ? "rare" : "usual"}`,
      ).join("\n"),
  );
  expect(() => checkTarget(table, "Class")).toThrow(/no column "Class"/);
  try {
    checkTarget(table, "clas");
  } catch (error) {
    expect((error as { hint: string }).hint).toMatch(/Did you mean "class"\?.*price, class, one, key, lone/);
  }
  expect(() => checkTarget(table, "price")).toThrow(/30 distinct numbers: this looks like regression/);
  expect(() => checkTarget(table, "one")).toThrow(/one class, "same"/);
  expect(() => checkTarget(table, "key")).toThrow(/30 classes in 30 rows/);
  expect(() => checkTarget(table, "lone")).toThrow(/class "rare" of column "lone" has one row/);
  expect(() => checkTarget(table, "class", "c")).toThrow(/no class "c"/);
  expect(checkTarget(table, "class").counts).toEqual([15, 15]);
  const alone = await readTable("y\na\nb\na\nb\n");
  expect(() => checkTarget(alone, "y")).toThrow(/no column to learn from/);
  const dropped = await readTable("x,y\n1,a\n2,b\n3,a\n4,b\n", { drop: ["y"] });
  expect(() => checkTarget(dropped, "y")).toThrow(/target and dropped/);
});

test("a state that is none, a matrix of another width", async () => {
  expect(() => Encoder.fromJSON({} as never)).toThrow(/not an encoder/);
  const encoder = Encoder.fit(await readTable(ABALONE), { target: "class" });
  expect(() => encoder.decode({ data: new Float32Array(3), rows: 1, cols: 3 })).toThrow(
    /3 features, the encoder has 9/,
  );
});
