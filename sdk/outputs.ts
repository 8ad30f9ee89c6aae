/** Everything a run leaves behind, as files: what `makeit fit` writes and the page lets one save. */
import { type Picture, runPictures, splitPictures } from "./drawings.ts";
import { Cpu } from "./engine/module.ts";
import { importanceSheet } from "./images/heatmap.ts";
import { encodePng, pngBytes } from "./images/png.ts";
import { toJson } from "./json.ts";
import { fileNames } from "./names.ts";
import { renderReport } from "./report.ts";
import type { Importance, RunResult } from "./result.ts";
import type { Run } from "./run.ts";
import { writeCsv } from "./table/write.ts";

export interface OutputFile {
  /** Relative to the folder of results. */
  path: string;
  content(): string | Uint8Array | Promise<Uint8Array>;
}

/** The files of a run; each is made when its content is asked for. Pictures need a document, as all plots do. */
export function outputs(
  { result, model, synthetic }: Run,
  { safeCsv }: { safeCsv?: boolean | undefined } = {},
): OutputFile[] {
  const svg = (folder: string) => (picture: Picture) => ({
    path: `${folder}${picture.name}.svg`,
    content: picture.draw,
  });
  return [
    { path: "synthetic.csv", content: () => writeCsv(synthetic, { safe: safeCsv }) },
    { path: "report.html", content: () => renderReport(result) },
    { path: "report.json", content: () => `${toJson(result)}\n` },
    { path: "model.safetensors", content: () => model.toBytes() },
    ...runPictures(result).map(svg("")),
    ...result.splits.flatMap((split) =>
      splitPictures(split, { metric: result.metric, image: result.data.image }).map(
        svg(`split-${split.split}/`),
      ),
    ),
    ...pngFiles(result),
  ];
}

/** Of images also what any viewer opens: contact sheets and importances as PNG. */
function pngFiles({ data: { image }, mean, splits }: RunResult): OutputFile[] {
  if (!image) return [];
  const map = (path: string, importances: readonly Importance[]): OutputFile => ({
    path,
    content: async () => encodePng(importanceSheet(await Cpu.openExtra(), importances, image)),
  });
  return [
    map("importances.png", mean.importances),
    ...splits.flatMap(({ split, importances, images }) => {
      const { classes = [] } = images ?? {};
      const names = fileNames(classes.map(({ name }) => name));
      return [
        map(`split-${split}/importance.png`, importances),
        ...classes.map(({ sheet }, i) => ({
          path: `split-${split}/images-${names[i]}.png`,
          content: () => pngBytes(sheet.png),
        })),
      ];
    }),
  ];
}
