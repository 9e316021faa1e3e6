// The list of incidents, alive: the first page when the question changes, older ones on request, and what the live
// events bring in between. After the stream was broken the first page is asked for again, and taken in as if its rows
// had come one by one, so that what happened meanwhile is there and nothing moves.
import { useEffect, useReducer, useRef } from "preact/hooks";
import type { IncidentQuery, Page } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";
import { api } from "../api.ts";
import { live, onLive } from "../live.ts";
import { arrived, EMPTY_FEED, type Feed, firstPage, olderPage, takenIn } from "./feed.ts";

export interface UsedFeed {
  readonly feed: Feed;
  /** Asked for the first time under this question. */
  readonly loading: boolean;
  readonly loadingOlder: boolean;
  readonly error: Error | null;
  older(): void;
  takeIn(): void;
  again(): void;
}

export interface FeedQuestion {
  /** The same text = the same question. */
  readonly key: string;
  readonly query: (before?: string) => IncidentQuery;
  readonly passes: (row: IncidentRow) => boolean;
}

/** Above this the reader stands at the top, and nothing is moved by what is put in there. */
const TOP_PX = 40;

export function useFeed(question: FeedQuestion): UsedFeed {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const [round, next] = useReducer((count: number) => count + 1, 0);
  const state = useRef<{ feed: Feed; loading: boolean; older: boolean; error: Error | null }>({
    feed: EMPTY_FEED,
    loading: true,
    older: false,
    error: null,
  });
  const latest = useRef(question);
  latest.current = question;
  const set = (part: Partial<typeof state.current>): void => {
    state.current = { ...state.current, ...part };
    draw(null as never);
  };
  const fail = (problem: unknown, signal: AbortSignal): void => {
    if (signal.aborted) return;
    set({ loading: false, older: false, error: problem instanceof Error ? problem : new Error(String(problem)) });
  };

  useEffect(() => {
    const stop = new AbortController();
    const ask = (): Promise<Page<IncidentRow>> => api.incidents(latest.current.query(), stop.signal);
    const take = (row: IncidentRow, atTop: boolean): void => {
      const feed = arrived(state.current.feed, row, { passes: latest.current.passes(row), atTop });
      if (feed !== state.current.feed) set({ feed });
    };
    /** Came while the first page was on its way, which may not have it yet. */
    const meanwhile: IncidentRow[] = [];
    set({ loading: true, error: null });
    ask().then(
      (page) => {
        set({ feed: firstPage(page), loading: false, older: false });
        for (const row of meanwhile) take(row, true);
      },
      (problem: unknown) => fail(problem, stop.signal),
    );
    const stopLive = onLive((event) => {
      if (event.event !== "incident") return;
      if (state.current.loading) meanwhile.push(event.incident);
      else take(event.incident, scrollY < TOP_PX);
    });
    let before = live.get().connection;
    const stopWatching = live.subscribe(() => {
      const { connection } = live.get();
      if (connection === "live" && (before === "reconnecting" || before === "paused")) {
        ask().then(
          ({ items }) => {
            for (const row of [...items].reverse()) take(row, scrollY < TOP_PX);
          },
          (problem: unknown) => fail(problem, stop.signal),
        );
      }
      before = connection;
    });
    return () => {
      stop.abort();
      stopLive();
      stopWatching();
    };
  }, [question.key, round]);

  const older = (): void => {
    const { feed, older: busy } = state.current;
    if (feed.next === null || busy) return;
    const { key } = latest.current;
    set({ older: true, error: null });
    api.incidents(latest.current.query(feed.next)).then(
      (page) => {
        if (key === latest.current.key) set({ feed: olderPage(state.current.feed, page), older: false });
      },
      (problem: unknown) => fail(problem, new AbortController().signal),
    );
  };
  const { feed, loading, older: loadingOlder, error } = state.current;
  const takeIn = (): void => set({ feed: takenIn(state.current.feed) });
  return { feed, loading, loadingOlder, error, older, takeIn, again: () => next(null as never) };
}
