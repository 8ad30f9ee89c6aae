/** The critic's memory against a mirror kept on the host. */
import { expect, test } from "vitest";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { Random } from "../sdk/random.ts";
import { Replay } from "../sdk/replay.ts";

interface Case {
  capacity: number;
  count: number;
  length: number;
  epochs: number;
}
const cases: Case[] = [
  { capacity: 12, count: 4, length: 3, epochs: 10 },
  { capacity: 13, count: 5, length: 7, epochs: 11 },
  { capacity: 6, count: 6, length: 1, epochs: 4 },
  { capacity: 1, count: 1, length: 5, epochs: 3 },
];

/** Plays `epochs` epochs; calls `check` after each with what the memory holds. Set n holds n·1000, n·1000 + 1, …. */
async function play(
  { capacity, count, length, epochs }: Case,
  policy: "fifo" | "random",
  check: (epoch: number, sets: number[], scores: Float32Array, size: number) => void,
): Promise<void> {
  const backend = await WasmBackend.open();
  const source = backend.alloc(count * length);
  const replay = new Replay(backend, { sets: source, count, length }, { capacity, policy }, new Random(4));
  expect(replay.size).toBe(0);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const numbers = Array.from({ length: count }, (_, i) => epoch * count + i + 1);
    backend.write(
      source,
      Float32Array.from(
        { length: count * length },
        (_, i) => numbers[Math.floor(i / length)] * 1000 + (i % length),
      ),
    );
    replay.remember(count);
    for (const [i, n] of numbers.entries()) replay.note(i, n / 64);
    backend.submit(replay.store);
    const held = await backend.read(replay.sets);
    const sets = Array.from({ length: capacity }, (_, slot) => held[slot * length] / 1000);
    // Every slot holds one whole set, or nothing.
    held.forEach((value, i) => {
      const n = sets[Math.floor(i / length)];
      expect(value).toBe(n === 0 ? 0 : n * 1000 + (i % length));
    });
    check(epoch, sets, await backend.read(replay.scores), replay.size);
  }
}

test.each(cases)("fifo keeps the last $capacity sets, $count an epoch", async (size) => {
  const { capacity, count } = size;
  const mirror: number[] = new Array(capacity).fill(0);
  await play(size, "fifo", (epoch, sets, scores, held) => {
    const seen = (epoch + 1) * count;
    for (let n = epoch * count + 1; n <= seen; n++) mirror[(n - 1) % capacity] = n;
    expect(sets).toEqual(mirror);
    expect(Array.from(scores)).toEqual(mirror.map((n) => n / 64));
    expect(held).toBe(Math.min(seen, capacity));
  });
});

test.each(cases)("random fills $capacity slots, then replaces $count at random", async (size) => {
  const { capacity, count } = size;
  let before: number[] = new Array(capacity).fill(0);
  const replaced = new Set<number>();
  await play(size, "random", (epoch, sets, scores, held) => {
    const fresh = Array.from({ length: count }, (_, i) => epoch * count + i + 1);
    // All of the epoch's sets are there, each once; every other slot is as it was.
    for (const n of fresh) expect(sets.filter((held) => held === n).length, `set ${n}`).toBe(1);
    sets.forEach((n, slot) => {
      if (!fresh.includes(n)) expect(n).toBe(before[slot]);
      else if (before[slot] > 0) replaced.add(slot);
    });
    // Nothing is replaced while there is room.
    if ((epoch + 1) * count <= capacity) expect(sets.filter((n) => n > 0).length).toBe((epoch + 1) * count);
    expect(Array.from(scores)).toEqual(sets.map((n) => n / 64));
    expect(held).toBe(Math.min((epoch + 1) * count, capacity));
    before = sets;
  });
  expect(replaced.size).toBeGreaterThan(0);
});

test("random replacement reaches every slot about equally often", async () => {
  const size = { capacity: 20, count: 5, length: 1, epochs: 404 };
  const times = new Array(size.capacity).fill(0);
  let before: number[] = [];
  await play(size, "random", (_, sets) => {
    sets.forEach((n, slot) => {
      if (before.length > 0 && before[slot] > 0 && before[slot] !== n) times[slot]++;
    });
    before = sets;
  });
  // 400 epochs replace each slot with chance 1/4: binomial, mean 100, sd 8.7; five sd allow for 20 slots.
  for (const count of times) expect(Math.abs(count - 100)).toBeLessThan(43);
});
