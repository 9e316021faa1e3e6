// Long computations one after another, a slice per turn of the loop: whoever checks passwords, the others' requests
// wait a few milliseconds at most. The queue is bounded, since a flood of wrong passwords would fill any.
const JOBS_MAX = 1000;
/** Pauses of the generators that a slice goes over; each is about a millisecond. */
const STEPS_PER_SLICE = 4;

interface Job {
  /** Works on; true = it is done. */
  advance(): boolean;
}

/** Runs generators in slices, in the order of their arrival. */
export class SliceQueue {
  readonly #jobs: Job[] = [];

  /** The generator's result; null = too many wait already. */
  run<Result>(work: Generator<void, Result>): Promise<Result> | null {
    if (this.#jobs.length >= JOBS_MAX) return null;
    return new Promise((resolve, reject) => {
      this.#jobs.push({
        advance: () => {
          try {
            const { done, value } = work.next();
            if (done) resolve(value);
            return done === true;
          } catch (error) {
            reject(error);
            return true;
          }
        },
      });
      if (this.#jobs.length === 1) setImmediate(() => this.#slice());
    });
  }

  #slice(): void {
    for (let step = 0; step < STEPS_PER_SLICE && this.#jobs.length > 0; step++) {
      if (this.#jobs[0]!.advance()) this.#jobs.shift();
    }
    if (this.#jobs.length > 0) setImmediate(() => this.#slice());
  }
}
