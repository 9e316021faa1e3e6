// The chain of filters that the body of a response goes through, built from its end. It knows how much each filter
// holds, so that one that can grow without a bound (gunzip, an include whose turn it is) waits for those behind it.
import { RangeFilter } from "../../content/range-filter.ts";
import type { RangePlan } from "../../content/ranges.ts";
import { failureOf } from "../../failure/classify.ts";
import type { BodyFilter, ByteSink, FilterEvents } from "../../filter/filter.ts";
import type { Bytes } from "../../std/units.ts";
import type { FilteredHeader } from "./filters.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";

const HELD_BYTES_MAX: Bytes = 256 * 1024;

/** Adds a step in front of a chain. */
export type Step = (next: ByteSink, events: FilterEvents) => BodyFilter;

export interface BodyChain {
  /** What producers write goes in here. */
  readonly first: ByteSink;
  /** Bytes that filters hold. */
  pendingBytes(): Bytes;
  /** The client takes more, or a filter holds less. */
  resume(): void;
  destroy(): void;
}

/** Where the chain ends. */
interface ChainEnd {
  readonly request: ServerRequest;
  /** The client takes no more for now. */
  isFull(): boolean;
}

/** Builds the chain of a body. */
export function filterBody(
  { steps, range }: FilteredHeader,
  header: ResponseHeader,
  last: ByteSink,
  { request, isFull }: ChainEnd,
): BodyChain | null {
  if (steps.length === 0 && (range === null || header.seekable)) return null;
  const filters: BodyFilter[] = [];
  const pendingOf = (count: number): Bytes => {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += filters[index]!.pendingBytes;
    return sum;
  };
  let first = range && !header.seekable ? rangeSink(range, header.fullLength, last) : last;
  const paused = new Set<number>();
  // Filters that work on another thread call from events of their own, where an error would end the process.
  const guarded = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      request.exchange.client.onInternalError(error);
    }
  };
  for (const [index, step] of steps.entries()) {
    const events: FilterEvents = {
      onProgress: () => guarded(() => request.output.drained()),
      onError: ({ message }) => request.exchange.fail(failureOf("gateway-internal-error", { detail: message })),
      isFull: () => pendingOf(index) >= HELD_BYTES_MAX || isFull(),
    };
    const next = first;
    const pausing: ByteSink = {
      write: (bytes) =>
        guarded(() => {
          next.write(bytes);
          if (!filter.pause || !events.isFull!()) return;
          paused.add(index);
          filter.pause();
        }),
      flush: () => guarded(() => next.flush()),
      end: () => guarded(() => next.end()),
    };
    const filter: BodyFilter = step(pausing, events);
    filters.push(filter);
    first = filter;
  }
  return {
    first,
    pendingBytes: () => pendingOf(filters.length),
    resume: () => {
      for (const index of paused) {
        if (pendingOf(index) >= HELD_BYTES_MAX || isFull()) continue;
        paused.delete(index);
        filters[index]!.resume?.();
      }
    },
    destroy: () => {
      for (const filter of filters) filter.destroy();
    },
  };
}

function rangeSink(range: RangePlan, fullLength: Bytes, next: ByteSink): ByteSink {
  const filter = new RangeFilter(range, fullLength);
  return {
    write: (bytes) => {
      for (const part of filter.push(bytes)) next.write(part);
    },
    flush: () => next.flush(),
    end: () => next.end(),
  };
}
