/** Progress of a run on standard error: a live bar on a terminal, a plain line now and then elsewhere. */
import { type Options, SingleBar } from "cli-progress";
import { type Epoch, type Resumed, Tally } from "../sdk/tally.ts";
import { duration, score, type Terminal } from "./terminal.ts";

/** Seconds between two plain lines, at least. */
const LINE_SECONDS = 2;
/** Shows epochs as they come. */
export interface Progress {
  update(epoch: Epoch): void;
  resume(resumed: Resumed): void;
  /** Say what cannot wait for the end. */
  warn(text: string): void;
  note(text: string): void;
  /** Removes the bar; call it before saying anything else. */
  stop(): void;
}

export function showProgress(terminal: Terminal, expected: { jobs: number; parts?: number }): Progress {
  const [warn, note] = [(text: string) => terminal.warn(text), (text: string) => terminal.note(text)];
  if (terminal.quiet) return { update() {}, resume() {}, warn, note, stop() {} };
  return terminal.live ? bar(new Tally(expected), terminal) : lines(new Tally(expected), terminal);
}

/** "split 2/5" or "final model" */
function place({ split, splits }: Pick<Epoch, "split" | "splits">): string {
  return split === 0 ? "final model" : `split ${split}/${splits}`;
}

/** "resumed at epoch 41 of split 2/5" */
function resumption(resumed: Resumed): string {
  if (resumed.finished) return `${place(resumed)} was finished before`;
  return `resumed at epoch ${resumed.epoch + 1} of ${resumed.split === 0 ? "the " : ""}${place(resumed)}`;
}

function bar(tally: Tally, terminal: Pick<Terminal, "note" | "warn">): Progress {
  const options: Options = {
    format: "{bar} {percentage} %  {place}  epoch {epoch}  score {score}  best {best}  {rate}/s  {left} left",
    barsize: 20,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    gracefulExit: false,
    fps: 8,
    barCompleteChar: "█",
    barIncompleteChar: "░",
  };
  const drawn = new SingleBar(options);
  const blank = { place: "reading", epoch: "–", score: "–", best: "–", rate: "–", left: "–" };
  drawn.start(1000, 0, blank);
  const stop = () => {
    process.off("exit", stop);
    drawn.stop();
  };
  /** Above the bar, which draws itself again below. */
  const above = (say: () => void) => {
    process.stderr.write("\r\u001b[K");
    say();
    drawn.render();
  };
  process.once("exit", stop); // a second Ctrl-C must not leave the terminal without its cursor
  return {
    update(epoch) {
      tally.add(epoch);
      drawn.update(Math.round(1000 * tally.share), {
        place: place(epoch),
        epoch: `${epoch.epoch}/${epoch.epochs}`,
        score: score(epoch.score),
        best: score(epoch.best),
        rate: tally.rate().toFixed(1),
        left: duration(tally.left()),
      });
    },
    resume(resumed) {
      tally.resume(resumed);
      above(() => terminal.note(resumption(resumed)));
    },
    warn: (text) => above(() => terminal.warn(text)),
    note: (text) => above(() => terminal.note(text)),
    stop,
  };
}

/** A line each tenth of the run or at a split's first epoch, but not more often than every two seconds. */
export function lines(
  tally: Tally,
  terminal: Pick<Terminal, "note" | "warn">,
  clock: () => number = () => performance.now(),
): Progress {
  let [saidAt, saidShare] = [-Infinity, -Infinity];
  return {
    update(epoch) {
      tally.add(epoch);
      const now = clock();
      const { share } = tally;
      if (now - saidAt < 1000 * LINE_SECONDS || share - saidShare < 0.1) return;
      [saidAt, saidShare] = [now, share];
      const pace = `${tally.rate(now).toFixed(1)} epochs/s, ${duration(tally.left(now))} left`;
      const scores = `score ${score(epoch.score)}, best ${score(epoch.best)}`;
      terminal.note(`${place(epoch)}, epoch ${epoch.epoch}/${epoch.epochs}: ${scores}; ${pace}`);
    },
    resume(resumed) {
      tally.resume(resumed);
      terminal.note(resumption(resumed));
    },
    warn: (text) => terminal.warn(text),
    note: (text) => terminal.note(text),
    stop() {},
  };
}
