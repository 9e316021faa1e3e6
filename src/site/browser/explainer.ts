// The box at work: loaded when somebody turns to it, it fetches the index once, and answers as one types, here and
// nowhere else. A search over the entries stands beside the answer, for who types words instead of pasting a line.
import { explain } from "../../explain/explain.ts";
import type { KnowledgeIndex } from "../../knowledge/entry.ts";
import { explanationView, spokenAnswer } from "../explain-view.ts";
import { type Search, searchOf, searchView } from "./search.ts";

const TYPING_MS = 120;
/** A screen reader is told once the typing has stopped. */
const SPOKEN_MS = 900;

/** Up to here a text is looked for in the entries even where it was explained. */
const QUERY_LENGTH = 60;

interface Loaded {
  readonly index: KnowledgeIndex;
  readonly ids: ReadonlySet<string>;
  readonly search: Search | null;
}

let attaching: Promise<void> | null = null;

/** Makes the form answer, once; tries again where the index could not be fetched. */
export function attach(form: HTMLFormElement): Promise<void> {
  attaching ??= attachNow(form).catch((error: unknown) => {
    attaching = null;
    throw error;
  });
  return attaching;
}

async function attachNow(form: HTMLFormElement): Promise<void> {
  const box = form.querySelector("textarea")!;
  const answer = document.getElementById("answer")!;
  const found = document.getElementById("found");
  const root = document.body.dataset["root"]!;
  const page = document.body.dataset["page"] ?? "entry";
  const level = page === "entry" ? 3 : 2;
  const { index, ids, search } = await loadReference(found !== null);
  const has = (id: string): boolean => ids.has(id);
  // The first call prepares the index, a fifth of a second: now, not at the first key.
  explain("", index);
  let speaking = 0;
  let shown: string | null = null;

  const show = (): void => {
    const text = box.value;
    if (text === shown) return;
    shown = text;
    clearTimeout(speaking);
    answer.hidden = text.trim() === "";
    if (found) found.hidden = true;
    if (answer.hidden) {
      answer.replaceChildren();
      return;
    }
    const explanation = explain(text, index);
    answer.innerHTML = explanationView(explanation, { root, level, has }).markup;
    // Beside the answer to a whole line, a list of what shares its words would only distract.
    if (found && search && (explanation.generated || text.length <= QUERY_LENGTH)) {
      const hits = search.find(text, explanation.entry.slice(1));
      found.hidden = hits.length === 0;
      found.innerHTML = searchView(hits, root).markup;
    }
    speaking = setTimeout(() => {
      const spoken = document.getElementById("spoken");
      if (spoken) spoken.textContent = spokenAnswer(explanation);
    }, SPOKEN_MS);
  };

  let typing = 0;
  box.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(show, TYPING_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    shown = null;
    show();
  });
  const readAddress = (): void => {
    const text = textOfAddress(location.hash);
    if (text === null) return;
    box.value = text;
    show();
  };
  if (page === "generated") {
    addEventListener("hashchange", readAddress);
    readAddress();
  }
  // What was typed or submitted while this was loading; an entry's own sample waits to be asked for.
  if (page !== "entry" || box.value !== box.defaultValue || form.dataset["asked"] === "yes") show();
}

async function loadReference(withSearch: boolean): Promise<Loaded> {
  const response = await fetch(document.body.dataset["index"]!);
  if (!response.ok) throw new Error(`the index is not there: ${response.status}`);
  const index = (await response.json()) as KnowledgeIndex;
  const ids = new Set(index.cards.map(({ id }) => id));
  return { index, ids, search: withSearch ? searchOf(index.cards) : null };
}

/** "#HASH/TEXT": the part behind the first "/". */
function textOfAddress(hash: string): string | null {
  const slash = hash.indexOf("/");
  if (slash < 0) return null;
  try {
    return decodeURIComponent(hash.slice(slash + 1));
  } catch {
    // Cut in the middle of a character: what is there is better than nothing.
    return hash.slice(slash + 1);
  }
}
