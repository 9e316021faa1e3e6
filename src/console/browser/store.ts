// What several parts of the page share: a value, who wants to know of it, and a hook that draws anew only where the part
// that was asked for has changed.
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(next: T): void;
  /** Returns how to stop. */
  subscribe(take: () => void): () => void;
}

/** A value that can be watched. */
export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const takers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const take of [...takers]) take();
    },
    subscribe(take) {
      takers.add(take);
      return () => takers.delete(take);
    },
  };
}

/** The selected part of a store's value; the component is drawn again when that part changes (by Object.is). */
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const chosen = select(store.get());
  const shown = useRef(chosen);
  const how = useRef(select);
  useLayoutEffect(() => {
    shown.current = chosen;
    how.current = select;
  });
  useEffect(() => {
    const look = (): void => {
      if (!Object.is(how.current(store.get()), shown.current)) draw(null as never);
    };
    look();
    return store.subscribe(look);
  }, [store]);
  return chosen;
}

/** What a question answered: `data` stays while it is asked again, so that a page does not flicker. */
export interface Asked<T> {
  readonly data: T | null;
  readonly error: Error | null;
  readonly loading: boolean;
  again(): void;
}

/** Asks when the component appears and whenever `deps` change; an answer that was overtaken is thrown away. */
export function useAsked<T>(ask: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): Asked<T> {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const state = useRef<{ data: T | null; error: Error | null; loading: boolean; round: number }>({
    data: null,
    error: null,
    loading: true,
    round: 0,
  });
  const rounds = useRef(0);
  const [round, again] = useReducer((count: number) => count + 1, 0);
  // The caller names what the question depends on.
  useEffect(() => {
    const own = ++rounds.current;
    const stop = new AbortController();
    state.current = { ...state.current, loading: true };
    draw(null as never);
    const settle = (part: { data: T | null; error: Error | null }): void => {
      if (own !== rounds.current || stop.signal.aborted) return;
      state.current = { ...part, loading: false, round: own };
      draw(null as never);
    };
    ask(stop.signal).then(
      (data) => settle({ data, error: null }),
      (error: unknown) =>
        settle({ data: state.current.data, error: error instanceof Error ? error : new Error(String(error)) }),
    );
    return () => stop.abort();
  }, [...deps, round]);
  const { data, error, loading } = state.current;
  return { data, error, loading, again: () => again(null as never) };
}

/** A switch that this browser remembers; without storage (private windows may refuse it) it lasts as long as the page. */
export function remembered(key: string): Store<string> {
  const name = `goodgate.${key}`;
  let first = "";
  try {
    first = localStorage.getItem(name) ?? "";
  } catch {
    // No storage: the choice is not remembered, and that is all.
  }
  const store = createStore(first);
  store.subscribe(() => {
    try {
      if (store.get() === "") localStorage.removeItem(name);
      else localStorage.setItem(name, store.get());
    } catch {
      // As above.
    }
  });
  return store;
}
