/** HTML as text, safe by construction: what a template interpolates is escaped unless it is HTML itself. */

/** HTML that is finished: it is interpolated as it stands. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Html | string | number | readonly Part[];

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return String(part).replace(/[&<>"']/g, (letter) => ESCAPES[letter]);
}

/** A template of HTML. Interpolate into text and into quoted attributes only. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(String.raw({ raw: [...strings] }, ...parts.map(textOf)));
}
