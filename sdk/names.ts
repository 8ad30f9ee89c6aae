/** Letters that no file system takes, and what a name must not begin or end with. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\\/:*?"<>|\u0000-\u001f]|^\.|[. ]$/;
const LONGEST = 80;

/** A file name for each of these names: the name itself where it can be one, else what can be kept of it. */
export function fileNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, i) => {
    const safe = name !== "" && name.length <= LONGEST && !UNSAFE.test(name);
    const kept = safe
      ? name
      : name
          .replace(/[^\p{L}\p{N}]+/gu, "-")
          .replace(/^-|-$/g, "")
          .slice(0, LONGEST);
    const lower = kept.toLowerCase(); // some file systems take a and A for one name
    const unique = kept === "" || taken.has(lower) ? `${kept || "class"}-${i + 1}` : kept;
    taken.add(unique.toLowerCase());
    return unique;
  });
}
