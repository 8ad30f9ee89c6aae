/** Curves over logarithmic axes, as SVG. */

export interface Curve {
  title: string;
  points: readonly { x: number; y: number }[];
}

const [WIDTH, HEIGHT] = [560, 360];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 16, 16, 44];
/** Okabe and Ito's, told apart by everybody. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

export function logLog(curves: readonly Curve[], xTitle: string, yTitle: string): string {
  const all = curves.flatMap(({ points }) => points);
  const x = axis(
    all.map((point) => point.x),
    [LEFT, WIDTH - RIGHT],
  );
  const y = axis(
    all.map((point) => point.y),
    [HEIGHT - BOTTOM, TOP],
  );
  const grid = [
    ...x.decades.map((value) => line(x.at(value), TOP, x.at(value), HEIGHT - BOTTOM)),
    ...y.decades.map((value) => line(LEFT, y.at(value), WIDTH - RIGHT, y.at(value))),
  ];
  const labels = [
    ...x.decades.map((value) => text(x.at(value), HEIGHT - BOTTOM + 16, short(value), "middle")),
    ...y.decades.map((value) => text(LEFT - 6, y.at(value) + 4, short(value), "end")),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, xTitle, "middle"),
    `<text x="14" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 ${HEIGHT / 2})">${yTitle}</text>`,
  ];
  const drawn = curves.flatMap(({ title, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const places = points.map((point) => [x.at(point.x), y.at(point.y)].map((v) => v.toFixed(1)));
    return [
      `<polyline points="${places.map((place) => place.join()).join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour}"/>`),
      `<rect x="${LEFT + 12}" y="${TOP + 8 + 18 * i}" width="12" height="4" fill="${colour}"/>`,
      text(LEFT + 30, TOP + 14 + 18 * i, title, "start"),
    ];
  });
  const style = 'font-family="system-ui, sans-serif" font-size="12" fill="#333"';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ${style}><rect width="100%" height="100%" fill="#fff"/>${[...grid, ...labels, ...drawn].join("")}</svg>\n`;
}

/** Whole decades around the values, and where a value lies in pixels. */
function axis(values: readonly number[], [from, to]: [number, number]) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    decades: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
    at: (value: number) => from + ((to - from) * (Math.log10(value) - low)) / (high - low),
  };
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<path d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, content: string, anchor: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content}</text>`;
}

function short(value: number): string {
  return value >= 1e4 || value < 1e-2 ? value.toExponential(0).replace("+", "") : String(value);
}
