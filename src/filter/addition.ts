// Puts the answers of other requests before and behind a body. The one before is asked for with the first byte, the one
// behind when the body has ended.
import type { BodyFilter, ByteSink, FilterEvents } from "./filter.ts";
import { OrderedOutput } from "./ordered-output.ts";

export interface AdditionRules {
  /** "" = nothing. */
  readonly before: string;
  readonly after: string;
  /** The body that a request for this gets. */
  readonly include: (uri: string) => Promise<Buffer>;
}

/** Adds to a body. */
export class AdditionFilter implements BodyFilter {
  readonly #rules: AdditionRules;
  readonly #output: OrderedOutput;
  #begun = false;

  constructor(rules: AdditionRules, next: ByteSink, events: FilterEvents) {
    this.#rules = rules;
    this.#output = new OrderedOutput(next, events);
  }

  get pendingBytes(): number {
    return this.#output.pendingBytes;
  }

  write(bytes: Buffer): void {
    this.#begin();
    this.#output.put(bytes);
  }

  flush(): void {
    this.#output.put("flush");
  }

  end(): void {
    this.#begin();
    if (this.#rules.after !== "") this.#output.putLater(this.#rules.include(this.#rules.after));
    this.#output.put("end");
  }

  destroy(): void {
    this.#output.destroy();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#rules.before !== "") this.#output.putLater(this.#rules.include(this.#rules.before));
  }
}
