/** The worker that runs splits, one after the other. */
import { runSplit, type SplitJob } from "../../sdk/split.ts";
import type { Table } from "../../sdk/table/table.ts";
import { useThreads } from "../../sdk/webHands.ts";
import { failureOf } from "../remote.ts";
import type { ToPool, ToSplit } from "./pool.ts";

const tell = (message: ToPool) => postMessage(message);
useThreads();
let table: Table;
let goOn: (stop: boolean) => void;

/** Every epoch waits for a word from the pool: that is how a thread that computes comes to hear "stop". */
async function run(job: Omit<SplitJob, "table">): Promise<void> {
  let stop = false;
  try {
    const outcome = await runSplit(
      { ...job, table },
      {
        async onEpoch(...epoch) {
          const answer = new Promise<boolean>((resolve) => {
            goOn = resolve;
          });
          tell({ epoch });
          stop = await answer;
        },
        shouldStop: () => stop,
      },
    );
    tell({ outcome });
  } catch (error) {
    tell({ failure: failureOf(error) });
  }
}

addEventListener("message", ({ data }: MessageEvent<ToSplit>) => {
  if ("stop" in data) goOn(data.stop);
  else if ("table" in data) table = data.table;
  else void run(data.job);
});
