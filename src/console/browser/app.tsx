// The console's page: one frame, pages inside it that are loaded when they are opened. How to write a page:
//
//   1. `pages.ts` maps addresses to components; a page is `export function XPage({ rest }: PageProps)` in its folder.
//   2. It returns <Page title actions lead> (ui/page.tsx), which sets title, heading and focus.
//   3. Data: `useAsked(signal => api.incidents(query, signal), [key])` (store.ts, api.ts) for what is asked once;
//      `useNow()`, `useNowPart(select)`, `onLive(take)` (live.ts) for what is live; `useGateway()` (session.ts) for the
//      chosen gateway. While `data` is null show <Loading/>, <ErrorNote error again/> or <Empty>.
//   4. Filters live in the address: `const [query, setQuery] = useQuery()` (router.tsx); spans of time by useRange(),
//      <TimeRange/>, zoomTo() (ui/time-range.tsx). Links are plain <a href="/incidents/…">.
//   5. A state is shape + colour + word: ui/tone.ts, <StateBadge>, <SeverityBadge>, <Badge>.
//   6. What changes something is <ActionButton> with <Confirm> (ui/dialog.tsx); outcomes by `doing()` or `toast()`.
//   7. A search box has the attribute data-search: "/" goes to it. Keys of a page: `useKeys({ j: … })` (keys.ts).
//   8. Style: a .css file beside the page (all are joined), custom properties of style/base.css, no inline style in
//      markup; `style={{ width }}` is set through the DOM, which the policy allows. No colour without its property.
//   9. Timers are `window.setTimeout` (the program's types, which contracts lead to, have another setTimeout). Types:
//      `npx tsc -p tsconfig.console.json`.
//   `node scripts/console-page.mjs` serves all of it with made-up data (dev/).

import type { FunctionComponent } from "preact";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, loggedOut } from "./api.ts";
import { Header } from "./header.tsx";
import { startKeys } from "./keys.ts";
import { live, startLive } from "./live.ts";
import { Login } from "./login.tsx";
import { type PageProps, pageAt } from "./pages.ts";
import { navigate, startRouter, usePlace } from "./router.tsx";
import { startScheme } from "./scheme.ts";
import { gateways, loadSession, session } from "./session.ts";
import { Shortcuts } from "./shortcuts.tsx";
import { useStore } from "./store.ts";
import { Toasts } from "./toasts.tsx";
import { Empty, ErrorNote, Loading } from "./ui/notes.tsx";
import { Page } from "./ui/page.tsx";

/** Loaded with the demo only. */
type DemoBar = FunctionComponent<Record<string, never>>;

function App() {
  const out = useStore(loggedOut, (value) => value);
  const known = useStore(session, (value) => value !== null);
  const [problem, setProblem] = useState<Error | null>(null);
  useEffect(() => {
    if (out || known) return;
    const ask = (): void => {
      setProblem(null);
      loadSession().then(begin, (error: unknown) => {
        if (!loggedOut.get()) setProblem(error as Error);
      });
    };
    ask();
  }, [out, known]);
  if (out) return <Login />;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <Demo />
      <main id="main" tabIndex={-1}>
        {problem ? <Unreached error={problem} /> : <CurrentPage />}
      </main>
      <Shortcuts />
      <Toasts />
    </>
  );
}

/** Addresses that people know of, and that are no pages of their own. */
const NOW_TOO: readonly string[] = ["/login", "/now"];

function begin(): void {
  if (NOW_TOO.includes(location.pathname)) navigate("/", { replace: true });
  startLive();
  api.gateways().then(
    (list) => gateways.set(list),
    // The chooser stays away; everything else works.
    () => gateways.set([]),
  );
}

function Unreached({ error }: { readonly error: Error }) {
  return (
    <Page title="No connection">
      <ErrorNote error={error} again={() => location.reload()} />
    </Page>
  );
}

function CurrentPage() {
  const { path } = usePlace();
  const found = pageAt(path);
  const [loaded, setLoaded] = useState<{ readonly of: unknown; readonly Part: FunctionComponent<PageProps> } | null>(
    null,
  );
  const [failed, setFailed] = useState(false);
  const entry = found?.page;
  useEffect(() => {
    if (!entry) return;
    let gone = false;
    setFailed(false);
    entry.load().then(
      (Part) => {
        if (!gone) setLoaded({ of: entry, Part });
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
    };
  }, [entry]);
  if (!found) return <NotFound path={path} />;
  if (failed) {
    const error = new Error("This page's code could not be loaded: the gateway was updated or cannot be reached.");
    return (
      <Page title="Not loaded">
        <ErrorNote error={error} again={() => location.reload()} />
      </Page>
    );
  }
  if (!loaded || loaded.of !== entry) return <Loading />;
  return <loaded.Part key={path} rest={found.rest} />;
}

function NotFound({ path }: { readonly path: string }) {
  return (
    <Page title="Not found">
      <Empty title={`There is no page at ${path}`}>
        <p>
          <a href="/">Now</a> shows what the gateway does at this moment.
        </p>
      </Empty>
    </Page>
  );
}

/** The bar with the shops and the tour; its code is loaded where this is a demo. */
function Demo() {
  const demo = useStore(live, ({ now }) => now?.gateway.demo === true);
  const [Bar, setBar] = useState<{ readonly Part: DemoBar } | null>(null);
  useEffect(() => {
    if (!demo) return;
    import("./demo/bar.tsx").then(
      (part) => setBar({ Part: part.DemoBar }),
      () => setBar(null),
    );
  }, [demo]);
  return demo && Bar ? <Bar.Part /> : null;
}

startScheme();
startRouter();
startKeys();
const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
