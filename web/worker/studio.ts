/** The worker behind the page: it holds the table, the run and the model, and does everything that takes time. */
import { inputError } from "../../sdk/errors.ts";
import type { ImageOptions, NamedFile } from "../../sdk/images/index.ts";
import { Model, type SampleOptions, sample } from "../../sdk/model.ts";
import type { OutputFile } from "../../sdk/outputs.ts";
import { readTable } from "../../sdk/parquet.ts";
import type { RunResult, SplitResult } from "../../sdk/result.ts";
import { type FitOptions, fit, type Progress, type Run } from "../../sdk/run.ts";
import {
  type ColumnReport,
  inspectTable,
  type TableReport,
  type TargetReport,
} from "../../sdk/table/inspect.ts";
import type { ReadOptions } from "../../sdk/table/read.ts";
import { cellText, type ImageShape, type Table } from "../../sdk/table/table.ts";
import { writeCsv } from "../../sdk/table/write.ts";
import { serve } from "../remote.ts";
import type { Glance } from "./images.ts";
import { laneCount, poolRunner } from "./pool.ts";
import { sketch } from "./sketch.ts";
import { zip } from "./zip.ts";

export interface SketchedColumn extends ColumnReport {
  sketch: number[];
}
export interface OpenedTable extends Omit<TableReport, "columns"> {
  /** Of images the classes alone: a pixel is nothing to look at. */
  columns: SketchedColumn[];
  glance?: Glance[];
}

export interface OpenedModel {
  name: string;
  target: string;
  classes: string[];
  columns: number;
  version: string;
  image?: ImageShape;
}

export interface Sampled {
  names: string[];
  /** The first rows, as they are written. */
  rows: string[][];
  total: number;
  csv: Blob;
  /** Of a model of images. */
  glance?: Glance[];
}

/** What happens while a run goes on. */
export type News =
  | { kind: "read"; done: number; count: number }
  | { kind: "lanes"; lanes: number; engine: string }
  | { kind: "begin"; split: number }
  | { kind: "epoch"; progress: Progress }
  | { kind: "done"; split: number; result?: SplitResult };

const PREVIEW = 8;
const TYPES: Record<string, string> = {
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
  svg: "image/svg+xml",
};

let table: Table | undefined;
let run: Run | undefined;
let model: Model | undefined;
let drawn: Table | undefined;
let stopping = new AbortController();
const splits = new Map<number, SplitResult>();

const tell = (event: News) => postMessage({ event });

const studio = {
  async open(source: Blob, options: ReadOptions): Promise<OpenedTable> {
    const opened = await readTable(source, options);
    table = opened;
    const report = inspectTable(opened);
    return {
      ...report,
      columns: report.columns.map((column, i) => ({ ...column, sketch: sketch(opened.columns[i]) })),
    };
  },

  /** Reads images; those that cannot be read are left out, and counted in a warning. */
  async openImages(files: NamedFile[], options: Pick<ImageOptions, "name" | "size" | "channels">) {
    const { glance, readImages } = await import("./images.ts");
    let told = 0;
    const onImage = (done: number, count: number) => {
      if (performance.now() < told + 100) return;
      told = performance.now();
      tell({ kind: "read", done, count });
    };
    const opened = await readImages(files, { ...options, skipBad: true, onImage });
    table = opened;
    const report = inspectTable(opened);
    const classes = report.columns.slice(-1).map((column) => ({ ...column, sketch: [] }));
    return { ...report, columns: classes, glance: await glance(opened) } satisfies OpenedTable;
  },

  target(name: string, positive?: string): TargetReport {
    return inspectTable(need(table), name, positive).target!;
  },

  async fit(options: FitOptions): Promise<RunResult> {
    stopping = new AbortController();
    splits.clear();
    run = undefined;
    const runner = poolRunner({
      onBegin: (split) => tell({ kind: "begin", split }),
      onDone: ({ split, result }) => {
        if (result) splits.set(split, result);
        tell({ kind: "done", split, result });
      },
    });
    run = await fit(
      need(table),
      { ...options, signal: stopping.signal, onEpoch: (progress) => tell({ kind: "epoch", progress }) },
      (jobs, how) => {
        const { engine } = jobs[0].settings;
        tell({ kind: "lanes", lanes: laneCount(jobs.length, how.parallel), engine });
        return runner(jobs, how);
      },
    );
    model = run.model;
    return run.result;
  },

  /** The run finishes with the best so far. */
  stop(): void {
    stopping.abort();
  },

  /** A picture of a split that is done (0: of all of them, once the run is). */
  async picture(split: number, name: string, metric: string): Promise<string> {
    const { runPictures, splitPictures } = await import("./draw.ts");
    const done = splits.get(split);
    const pictures = done
      ? splitPictures(done, { metric, image: need(table).image })
      : runPictures(need(run).result);
    return pictures.find((picture) => picture.name === name)!.draw();
  },

  /** One of the run's files, to be saved. */
  async file(path: string): Promise<Blob> {
    const file = (await files()).find((one) => one.path === path)!;
    return new Blob([(await file.content()) as BlobPart], { type: TYPES[path.split(".").at(-1)!] });
  },

  /** All of the run's files in one. */
  async archive(): Promise<Blob> {
    const all = (await files()).map(async ({ path, content }) => ({ path, content: await content() }));
    return zip(await Promise.all(all));
  },

  async openModel(source: Blob, name: string): Promise<OpenedModel> {
    model = Model.fromBytes(new Uint8Array(await source.arrayBuffer()), name);
    return describe(model, name);
  },

  /** The model that `sample` draws from. */
  model(): OpenedModel {
    return describe(need(model), "the model of this run");
  },

  async sample(options: SampleOptions): Promise<Sampled> {
    drawn = await sample(need(model), options);
    const { columns, rows: total } = drawn;
    const rows = Array.from({ length: Math.min(PREVIEW, total) }, (_, row) =>
      columns.map((column) => cellText(column, row)),
    );
    const csv = new Blob([writeCsv(drawn)], { type: TYPES.csv });
    const names = columns.map((column) => column.name);
    if (!drawn.image) return { names, rows, total, csv };
    const { glance } = await import("./images.ts");
    return { names, rows, total, csv, glance: await glance(drawn) };
  },

  /** The images that `sample` drew last, a PNG each. */
  async drawnImages(): Promise<Blob> {
    const { pngFiles } = await import("./images.ts");
    return zip(await pngFiles(need(drawn)));
  },
};

async function files(): Promise<OutputFile[]> {
  const { outputs } = await import("./draw.ts");
  return outputs(need(run));
}

function describe({ encoder, settings, version }: Model, name: string): OpenedModel {
  const target = String(settings.target ?? encoder.toJSON().target.column);
  const { classes, columns, image } = encoder;
  return { name, target, classes: [...classes], columns: columns.length, version, ...(image && { image }) };
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw inputError("There is no table or model yet.", "Open one first.");
  return value;
}

export type Studio = typeof studio;
serve(studio);
