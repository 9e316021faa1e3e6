// The gateway's end of the store's thread: one batch under way at a time, questions with a deadline. A thread that ends
// or does not answer is replaced; what it had under way is counted as lost, and its questions are answered with an
// error. A thread that hangs in the disk cannot be ended: a few of them may lie there, then no new one is begun until
// one of them is gone.
import { Worker } from "node:worker_threads";
import type { Ms } from "../std/units.ts";
import { type Batch, recordsIn } from "./batch.ts";
import type { Question } from "./engine.ts";
import type { FromThread, Place, ThreadData, ToThread } from "./messages.ts";

/** What the link tells its owner. */
export interface LinkEvents {
  readonly onPlace: (place: Place) => void;
  readonly onWritten: (told: Extract<FromThread, { told: "written" }>) => void;
  /** The thread is replaced; so many records were under way. */
  readonly onLost: (records: number, words: string) => void;
}

export interface LinkTimes {
  readonly batchMs: Ms;
  readonly questionMs: Ms;
  readonly restartMs: Ms;
  readonly restartMaxMs: Ms;
}

export const LINK_TIMES: LinkTimes = { batchMs: 45_000, questionMs: 20_000, restartMs: 500, restartMaxMs: 30_000 };

const HANGING_MAX = 3;
const QUESTIONS_MAX = 200;
/** Far above what a batch and a page need; a thread that wants more is replaced, not the gateway. */
const HEAP_MIB = 256;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class Link {
  readonly #file: URL;
  readonly #data: ThreadData;
  readonly #events: LinkEvents;
  readonly #times: LinkTimes;
  readonly #questions = new Map<number, Waiting>();
  #thread: Worker | null = null;
  #underWay: Batch | null = null;
  #batchTimer: NodeJS.Timeout | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #restarts = 0;
  #hanging = 0;
  #questionId = 0;
  #ending = false;
  #closed: (() => void) | null = null;

  constructor(file: URL, data: ThreadData, events: LinkEvents, times: LinkTimes = LINK_TIMES) {
    this.#file = file;
    this.#data = data;
    this.#events = events;
    this.#times = times;
    this.#start();
  }

  /** Whether a batch can be given. */
  get free(): boolean {
    return this.#thread !== null && this.#underWay === null && !this.#ending;
  }

  get underWay(): number {
    return this.#underWay === null ? 0 : recordsIn(this.#underWay);
  }

  write(batch: Batch): void {
    this.#underWay = batch;
    this.#batchTimer = setTimeout(() => {
      this.#replace(`the store's thread has not answered for ${this.#times.batchMs / 1000} s`, true);
    }, this.#times.batchMs);
    this.#batchTimer.unref();
    this.#post({ do: "write", batch });
  }

  ask(question: Question, args: readonly unknown[]): Promise<unknown> {
    if (this.#thread === null || this.#ending)
      return Promise.reject(new Error("the store is not running at this moment"));
    if (this.#questions.size >= QUESTIONS_MAX) {
      return Promise.reject(new Error("the store has too many questions to answer; ask again in a moment"));
    }
    const id = ++this.#questionId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#questions.delete(id);
        this.#hold();
        reject(new Error(`the store has not answered within ${this.#times.questionMs / 1000} s`));
      }, this.#times.questionMs);
      this.#questions.set(id, { resolve, reject, timer });
      this.#post({ do: "ask", id, question, args });
    });
  }

  /** Ends the thread; it closes the database if it can within the time. */
  async close(withinMs: Ms): Promise<void> {
    this.#ending = true;
    clearTimeout(this.#restartTimer);
    const thread = this.#thread;
    if (thread === null) return;
    thread.ref();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
      this.#closed = resolve;
      thread.postMessage({ do: "close" } satisfies ToThread);
    });
    clearTimeout(timer);
    clearTimeout(this.#batchTimer);
    this.#thread = null;
    this.#refuseQuestions("the store is closed");
    thread.unref();
    // A thread that hangs in the disk would be waited for.
    void thread.terminate();
  }

  #start(): void {
    // Flags of the main thread that a worker does not take would end it.
    const thread = new Worker(this.#file, {
      workerData: this.#data,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      name: "goodgate-store",
    });
    thread.unref();
    this.#thread = thread;
    thread.on("message", (message: FromThread) => {
      if (thread === this.#thread) this.#take(message);
    });
    thread.on("error", (error: Error) => {
      if (thread === this.#thread) this.#replace(`the store's thread has ended: ${error.message}`, false);
    });
    thread.on("exit", () => {
      this.#closed?.();
      if (thread === this.#thread) this.#replace("the store's thread has ended", false);
    });
  }

  #take(message: FromThread): void {
    if (message.told === "place") {
      this.#events.onPlace(message.place);
    } else if (message.told === "written") {
      clearTimeout(this.#batchTimer);
      this.#underWay = null;
      this.#restarts = 0;
      this.#hold();
      this.#events.onWritten(message);
    } else if (message.told === "closed") {
      this.#closed?.();
    } else {
      const waiting = this.#questions.get(message.id);
      if (!waiting) return;
      clearTimeout(waiting.timer);
      this.#questions.delete(message.id);
      this.#hold();
      if (message.told === "answer") waiting.resolve(JSON.parse(message.json));
      else waiting.reject(new Error(message.words));
    }
  }

  #post(message: ToThread): void {
    this.#thread?.postMessage(message);
    this.#hold();
  }

  /** The process may end while the store has nothing to do, and not while somebody waits for it. */
  #hold(): void {
    if (this.#underWay !== null || this.#questions.size > 0) this.#thread?.ref();
    else this.#thread?.unref();
  }

  #replace(words: string, hangs: boolean): void {
    const thread = this.#thread;
    const lost = this.underWay;
    this.#thread = null;
    this.#underWay = null;
    clearTimeout(this.#batchTimer);
    this.#refuseQuestions(words);
    if (thread !== null && hangs) {
      this.#hanging += 1;
      thread.unref();
      void thread.terminate().then(() => {
        this.#hanging -= 1;
        if (this.#thread === null) this.#startSoon();
      });
    }
    this.#events.onLost(lost, words);
    this.#startSoon();
  }

  #startSoon(): void {
    if (this.#ending || this.#hanging >= HANGING_MAX) return;
    clearTimeout(this.#restartTimer);
    const wait = Math.min(this.#times.restartMs * 2 ** this.#restarts, this.#times.restartMaxMs);
    this.#restarts += 1;
    this.#restartTimer = setTimeout(() => this.#start(), wait);
    this.#restartTimer.unref();
  }

  #refuseQuestions(words: string): void {
    for (const { reject, timer } of this.#questions.values()) {
      clearTimeout(timer);
      reject(new Error(words));
    }
    this.#questions.clear();
  }
}
