// Where the page is: real addresses and links, kept in the browser's history. A click on a plain link to one of our pages
// stays in the page; everything else (the reference, other tabs, downloads) is the browser's.
import { createStore, type Store, useStore } from "./store.ts";

export interface Place {
  /** "/incidents/i0abc". */
  readonly path: string;
  /** "?state=open", or "". */
  readonly search: string;
  /** Counts navigations to another path: a page that appears after one takes the focus. */
  readonly moves: number;
}

export const place: Store<Place> = createStore<Place>({ path: location.pathname, search: location.search, moves: 0 });

/** First segments of addresses that this page answers itself. "" is Now. */
export const OWN = ["", "incidents", "traffic", "upstreams", "config", "doctor", "explain"];

/** Goes there. `replace` = without a new step of the history: for filters. */
export function navigate(href: string, { replace = false } = {}): void {
  const url = new URL(href, location.href);
  if (!isOwn(url)) {
    location.assign(url);
    return;
  }
  if (url.href !== location.href) {
    if (replace) history.replaceState(history.state, "", url);
    else history.pushState(null, "", url);
  }
  arrive(!replace);
}

/** The place, for pages. */
export const usePlace = (): Place => useStore(place, (value) => value);

/** Values of the query that a page keeps there, so that a link shows the same to somebody else: `useQuery()` → [params, set]. */
export function useQuery(): [
  URLSearchParams,
  (values: Readonly<Record<string, string | null>>, push?: boolean) => void,
] {
  const { search } = usePlace();
  return [new URLSearchParams(search), setQuery];
}

/** Sets values of the query and leaves the others; null or "" takes one away. */
export function setQuery(values: Readonly<Record<string, string | null>>, push = false): void {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === "") params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString();
  const href = `${location.pathname}${text === "" ? "" : `?${text}`}`;
  if (push) history.pushState(null, "", href);
  else history.replaceState(history.state, "", href);
  arrive(false);
}

/** Links and the history's buttons; once. */
export function startRouter(): void {
  addEventListener("popstate", () => arrive(true));
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    // Links in the picture are of SVG: their address stands in the attribute alone.
    const href = link?.getAttribute("href");
    if (!link || !href || link.hasAttribute("target") || link.hasAttribute("download") || href.startsWith("#")) return;
    const url = new URL(href, location.href);
    if (!isOwn(url)) return;
    event.preventDefault();
    navigate(url.href);
  });
}

function isOwn(url: URL): boolean {
  return url.origin === location.origin && OWN.includes(url.pathname.split("/")[1] ?? "");
}

function arrive(moved: boolean): void {
  const { pathname: path, search } = location;
  const before = place.get();
  if (before.path === path && before.search === search) return;
  const elsewhere = moved && before.path !== path;
  place.set({ path, search, moves: before.moves + Number(elsewhere) });
  if (elsewhere) scrollTo(0, 0);
}
