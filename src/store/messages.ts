// What the gateway's thread and the store's thread say to each other.
import type { Batch } from "./batch.ts";
import type { EngineSettings, Figures, Question } from "./engine.ts";
import type { StoreOptions, StoreTarget } from "./model.ts";

/** What the thread begins with. */
export interface ThreadData {
  readonly options: StoreOptions;
  readonly pragmas: EngineSettings["pragmas"];
  /** How often old records are looked for. */
  readonly keepEveryMs: number;
}

export type ToThread =
  | { readonly do: "write"; readonly batch: Batch }
  | { readonly do: "ask"; readonly id: number; readonly question: Question; readonly args: readonly unknown[] }
  | { readonly do: "close" };

/** Where things are kept at this moment. */
export interface Place {
  readonly kind: StoreTarget["kind"];
  readonly where: string;
  /** What people should know; null = nothing. */
  readonly notice: string | null;
  /** It is where it should be, and open. */
  readonly settled: boolean;
  readonly figures: Figures;
}

export type FromThread =
  | { readonly told: "place"; readonly place: Place }
  | {
      readonly told: "written";
      readonly written: number;
      readonly dropped: number;
      /** To be given again, and why. */
      readonly rest: Batch | null;
      readonly problem: string | null;
    }
  /** As JSON: the gateway's side reads it in half of the time that a page of records takes. */
  | { readonly told: "answer"; readonly id: number; readonly json: string }
  | { readonly told: "no-answer"; readonly id: number; readonly words: string }
  | { readonly told: "closed" };
