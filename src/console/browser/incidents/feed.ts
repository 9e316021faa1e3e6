// The list of incidents as it is read: pages of answers, and what the live events bring. Nothing that is being read
// moves: an incident that is there is changed in its place, a new one waits ("3 new") until the reader takes it in,
// or goes in at once where the reader stands at the top. Pure; each step gives a new state.
import type { Page } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";

export interface Feed {
  /** Newest first. */
  readonly items: readonly IncidentRow[];
  /** Came while something else was being read; newest first. */
  readonly waiting: readonly IncidentRow[];
  /** Cursor of what is older; null = that was all. */
  readonly next: string | null;
  readonly total: number | null;
}

export const EMPTY_FEED: Feed = { items: [], waiting: [], next: null, total: null };

/** What waits is bounded: behind it a fresh answer is worth more. */
const WAITING_MAX = 500;

export function firstPage({ items, next, total }: Page<IncidentRow>): Feed {
  return { items, waiting: [], next, total };
}

/** Older ones below; what the live events had brought already is not there twice. */
export function olderPage(feed: Feed, { items, next, total }: Page<IncidentRow>): Feed {
  const there = new Set(feed.items.map(({ id }) => id));
  const waiting = new Set(feed.waiting.map(({ id }) => id));
  const older = items.filter(({ id }) => !there.has(id) && !waiting.has(id));
  return { ...feed, items: [...feed.items, ...older], next, total: total ?? feed.total };
}

/** An incident opened or changed. `passes` = it belongs into this list; `atTop` = nothing is moved by putting it in. */
export function arrived(
  feed: Feed,
  row: IncidentRow,
  { passes, atTop }: { readonly passes: boolean; readonly atTop: boolean },
): Feed {
  const changed = (list: readonly IncidentRow[]): readonly IncidentRow[] | null => {
    const index = list.findIndex(({ id }) => id === row.id);
    return index < 0 ? null : [...list.slice(0, index), row, ...list.slice(index + 1)];
  };
  const items = changed(feed.items);
  if (items) return { ...feed, items };
  const waiting = changed(feed.waiting);
  if (waiting) return { ...feed, waiting };
  if (!passes) return feed;
  // One that is older than what was loaded stands on a page that was not asked for yet.
  const last = feed.items[feed.items.length - 1];
  if (last && feed.next !== null && row.openedAt < last.openedAt) return feed;
  const total = feed.total === null ? null : feed.total + 1;
  if (atTop) return { ...feed, items: inserted(feed.items, [row]), total };
  return { ...feed, waiting: inserted(feed.waiting, [row]).slice(0, WAITING_MAX), total };
}

/** The reader takes in what waited. */
export function takenIn(feed: Feed): Feed {
  return { ...feed, items: inserted(feed.items, feed.waiting), waiting: [] };
}

function inserted(list: readonly IncidentRow[], rows: readonly IncidentRow[]): readonly IncidentRow[] {
  return [...rows, ...list].sort(
    (one, other) => other.openedAt - one.openedAt || (one.id < other.id ? 1 : one.id > other.id ? -1 : 0),
  );
}
