// Keys: "g" and a letter goes to a page, "/" to the search, "?" shows the list; pages add their own while they are shown.
// Nothing happens while somebody types, within dialogs, or with Ctrl, Alt or Meta, which are the browser's.
import { useEffect, useRef } from "preact/hooks";
import { PAGES } from "./pages.ts";
import { navigate } from "./router.tsx";
import { createStore } from "./store.ts";

const LEADER_MS = 1500;

/** Whether the list of keys is open. */
export const shortcutsOpen = createStore(false);

type Keys = Readonly<Record<string, () => void>>;
const pageKeys = new Set<() => Keys>();

/** Keys of a page: one character each, by `event.key`; not "g", "/" or "?". */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const give = (): Keys => latest.current;
    pageKeys.add(give);
    return () => {
      pageKeys.delete(give);
    };
  }, []);
}

/** When "g" was pressed; performance.now() begins with 0. */
let ledAt = -Infinity;

/** Listens; once. */
export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (press(event.key)) event.preventDefault();
  });
}

function press(key: string): boolean {
  const led = performance.now() - ledAt < LEADER_MS;
  ledAt = -Infinity;
  if (led) {
    const page = PAGES.find((one) => one.key === key);
    if (page) navigate(page.path);
    else if (key === "r") location.assign("/reference/");
    return page !== undefined;
  }
  if (key === "g") ledAt = performance.now();
  else if (key === "?") shortcutsOpen.set(true);
  else if (key === "/") return search();
  else {
    for (const give of pageKeys) {
      const act = give()[key];
      if (act) {
        act();
        return true;
      }
    }
    return false;
  }
  return true;
}

/** The page's own search box, else that of the incidents. */
function search(): boolean {
  const box = document.querySelector<HTMLElement>("[data-search]");
  if (box) box.focus();
  else navigate("/incidents");
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
