/**
 * The critical-difference diagram (Demšar, JMLR 2006, figure 1): methods on a line of mean ranks, those that do not
 * differ joined by a bar. Which differ is decided by pairwise signed-rank tests with Holm's adjustment, not by
 * Nemenyi's test, whose verdict on two methods depends on which others are there (Benavoli et al., JMLR 2016).
 */
import { label, openCanvas, put, toXml } from "../../sdk/plots/canvas.ts";
import { AXIS, classColor, INK } from "../../sdk/plots/colors.ts";
import { holm, meanRanks, wilcoxonSignedRank } from "../../sdk/statistics.ts";

export interface DiagramPlot {
  readonly title: string;
  /** One name a method, and `scores[dataSet][method]`, higher is better. */
  readonly names: readonly string[];
  readonly scores: readonly (readonly number[])[];
  /** The method that is drawn in colour. */
  readonly ours?: string;
}

const WIDTH = 1200;
const [LEFT, RIGHT] = [260, 940];
const LEVEL = 0.05;

export function drawDiagram({ title, names, scores, ours }: DiagramPlot): string {
  const ranks = meanRanks(scores);
  const order = ranks.map((_, j) => j).sort((a, b) => ranks[a] - ranks[b]);
  const bars = groups(scores, order);
  const half = Math.ceil(names.length / 2);
  const axisY = 96;
  const below = axisY + 24 + 12 * bars.length;
  const subtitle = `Mean rank over ${scores.length} data sets, 1 is best; a bar joins methods that do not differ (Wilcoxon, Holm, p ≥ ${LEVEL})`;
  const canvas = openCanvas({ width: WIDTH, height: below + 26 * half + 24, title, subtitle });
  const x = (rank: number) => LEFT + ((rank - 1) / Math.max(1, names.length - 1)) * (RIGHT - LEFT);

  put(canvas, "path", { d: `M${LEFT} ${axisY}H${RIGHT}`, stroke: AXIS, "stroke-width": 1.5 });
  for (let rank = 1; rank <= names.length; rank++) {
    put(canvas, "path", { d: `M${x(rank)} ${axisY}v-7`, stroke: AXIS });
    label(canvas, x(rank), axisY - 12, String(rank), { size: 13, anchor: "middle" });
  }
  bars.forEach(([first, last], i) => {
    const y = axisY + 14 + 12 * i;
    const [from, to] = [x(ranks[order[first]]) - 4, x(ranks[order[last]]) + 4];
    put(canvas, "path", { d: `M${from} ${y}H${to}`, stroke: INK, "stroke-width": 4 });
  });
  order.forEach((j, place) => {
    const best = place < half;
    const y = below + 26 * (best ? place : names.length - 1 - place);
    const end = best ? LEFT - 20 : RIGHT + 20;
    const stroke = names[j] === ours ? classColor(1) : INK;
    put(canvas, "path", { d: `M${x(ranks[j])} ${axisY}V${y}H${end}`, fill: "none", stroke });
    const text = `${names[j]} ${ranks[j].toFixed(2)}`;
    const anchor = best ? "end" : "start";
    label(canvas, end + (best ? -6 : 6), y + 5, text, {
      size: 14,
      fill: stroke,
      anchor,
      bold: names[j] === ours,
    });
  });
  return toXml(canvas);
}

/** The longest stretches of `order` within which no pair differs, as first and last place. */
function groups(scores: DiagramPlot["scores"], order: readonly number[]): [number, number][] {
  const pairs = order.flatMap((a, i) => order.slice(i + 1).map((b) => [a, b] as const));
  const ps = holm(pairs.map(([a, b]) => wilcoxonSignedRank(scores.map((line) => line[a] - line[b])).p));
  const differ = new Set(pairs.filter((_, k) => ps[k] < LEVEL).map(([a, b]) => `${a} ${b}`));
  const alike = (first: number, last: number) =>
    order
      .slice(first, last + 1)
      .every((a, i, some) => some.slice(i + 1).every((b) => !differ.has(`${a} ${b}`)));
  const found: [number, number][] = [];
  let reached = 0;
  for (let first = 0; first < order.length; first++) {
    let last = first;
    while (last + 1 < order.length && alike(first, last + 1)) last++;
    if (last > first && last > reached) found.push([first, last]);
    reached = Math.max(reached, last);
  }
  return found;
}
