// Puts the answers of other requests before and behind a body. The one before is asked for with the first byte, the one
// behind when the body has ended.
import type { BodyFilter, ByteSink, FilterEvents, Place } from "./filter.ts";
import { OrderedOutput } from "./ordered-output.ts";

export interface AdditionRules {
  /** "" = nothing. */
  readonly before: string;
  readonly after: string;
  /** Asks for what goes to a place. */
  readonly include: (uri: string, place: Place) => void;
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
    this.#add(this.#rules.after);
    this.#output.put("end");
  }

  destroy(): void {
    this.#output.destroy();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#add(this.#rules.before);
  }

  #add(uri: string): void {
    if (uri !== "") this.#rules.include(uri, this.#output.later());
  }
}
