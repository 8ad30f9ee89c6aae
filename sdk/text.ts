/** Text of unknown origin, made fit to be shown: cells, names and file paths may hold anything. */

// Controls (escape sequences begin with one), lone surrogates, what ends lines or turns their direction round.
const HIDDEN = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;
/** A message that quotes more than this is cut. */
const LONGEST = 1000;

/** `text` with every character that is not seen, or that moves the others, written as an escape such as \u001b. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `text` as one visible line of bearable length; line ends become blanks. */
export function oneLine(text: string): string {
  // Cut before it is made visible too: a cell may be megabytes long.
  const line = cut(text)
    .replace(/\s*[\r\n]+\s*/g, " ")
    .trim();
  return cut(visible(line));
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
