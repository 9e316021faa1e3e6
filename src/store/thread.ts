// The store's thread: one engine, batches in order, questions in between, deleting when nothing else is to be done. A
// database that is away is looked for again, ever more slowly, for as long as the gateway runs.
import { parentPort, workerData } from "node:worker_threads";
import { Engine } from "./engine.ts";
import type { FromThread, Place, ThreadData, ToThread } from "./messages.ts";
import { readPostgresUrl, readProblem } from "./problem.ts";

const { options, pragmas, keepEveryMs } = workerData as ThreadData;
const NOTHING: Place["figures"] = { bytes: 0, oldestAt: null };
const LOOK_AGAIN_MS = 1_000;
const LOOK_AGAIN_MAX_MS = 30_000;
const SETTLE_MS = 15_000;
/** Deleting in one go; the rest a moment later. */
const STEPS_MAX = 50;

let engine: Engine | null = null;
let problem: string | null = null;
let figures = NOTHING;
let ending = false;
/** Batches are written one after the other. */
let writing: Promise<void> = Promise.resolve();

const tell = (message: FromThread): void => parentPort?.postMessage(message);
/** Ends a pause; closing does not wait for one. */
let wake: () => void = () => undefined;
const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });

parentPort?.on("message", (message: ToThread) => {
  if (message.do === "write") void inOrder(() => write(message));
  else if (message.do === "ask") void ask(message);
  else void close();
});
const running = begin().then(look);
await running;

/** After the batches that were given before. */
function inOrder(work: () => Promise<unknown> | undefined): Promise<unknown> {
  const done = writing.then(work);
  writing = done.then(
    () => undefined,
    (error: unknown) => {
      problem = wordsOf(error);
    },
  );
  return done;
}

/** Opens the database; until it is open, batches come back and questions are refused. */
async function begin(): Promise<void> {
  for (let wait = LOOK_AGAIN_MS; engine === null && !ending; wait = Math.min(wait * 2, LOOK_AGAIN_MAX_MS)) {
    try {
      engine = await Engine.open(options, pragmas ? { pragmas } : {});
      problem = null;
      figures = await engine.figures();
    } catch (error) {
      problem = wordsOf(error);
    }
    tellPlace();
    // Half of it by chance: gateways that lost their database together do not come back together.
    if (engine === null) await pause(wait * (0.5 + Math.random() / 2));
  }
}

async function write({ batch }: Extract<ToThread, { do: "write" }>): Promise<void> {
  if (engine === null) {
    tell({ told: "written", written: 0, dropped: 0, rest: batch, problem: problem ?? "the database is not open yet" });
    return;
  }
  const { notice, makeshift } = engine;
  const { written, dropped, again, rest, lost } = await engine.write(batch);
  tell({ told: "written", written, dropped, rest, problem: again?.words ?? lost });
  const over = again === null && problem !== null;
  if (over) problem = null;
  if (over || engine.notice !== notice || engine.makeshift !== makeshift) tellPlace();
}

async function ask({ id, question, args }: Extract<ToThread, { do: "ask" }>): Promise<void> {
  try {
    // What was given before a question is part of its answer.
    await writing;
    if (engine === null) throw new Error(`the store cannot answer: ${problem ?? "the database is not open yet"}`);
    const answer = await engine.ask(question, args as Parameters<Engine["ask"]>[1]);
    tell({ told: "answer", id, json: JSON.stringify(answer) });
  } catch (error) {
    tell({ told: "no-answer", id, words: error instanceof Error ? error.message : String(error) });
  }
}

/** From time to time: figures, what is too old, and whether the right place can be used. */
async function look(): Promise<void> {
  let settledAt = Date.now();
  while (!ending) {
    await pause(keepEveryMs);
    if (ending || engine === null) continue;
    try {
      await engine.greet();
      for (let steps = 0; steps < STEPS_MAX && !ending && (await engine.keep()); steps++) await pause(2);
      if (engine.makeshift && Date.now() - settledAt >= Math.min(SETTLE_MS, 5 * keepEveryMs)) {
        settledAt = Date.now();
        // Between two batches: what it writes to changes.
        await inOrder(() => engine?.settle());
      }
      figures = await engine.figures();
      problem = null;
    } catch (error) {
      // The next write meets the same problem and says it; deleting waits until then.
      problem = wordsOf(error);
      await engine.cutLog();
    }
    tellPlace();
  }
}

function tellPlace(): void {
  const shown = options.target.kind === "postgres" ? readPostgresUrl(options.target.url).shown : "";
  tell({
    told: "place",
    place: {
      kind: engine?.kind ?? options.target.kind,
      where: engine?.where ?? shown,
      notice: problem ?? engine?.notice ?? null,
      settled: engine !== null && !engine.makeshift && problem === null,
      figures,
    },
  });
}

function wordsOf(error: unknown): string {
  if (engine !== null) return engine.read(error).words;
  const { target } = options;
  return target.kind === "postgres"
    ? readProblem(error, true, readPostgresUrl(target.url).secrets).words
    : readProblem(error, false).words;
}

async function close(): Promise<void> {
  ending = true;
  wake();
  // A step of deleting or of opening that is under way ends first.
  await Promise.all([writing, running]);
  await engine?.close();
  tell({ told: "closed" });
  parentPort?.close();
}
