// The top of every page: how things are in a shape and a word, the way to the pages, whose gateway this is, and how fresh
// the figures are. On a phone the pages are a row that scrolls.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, loggedOut } from "./api.ts";
import { lasting } from "./format.ts";
import { shortcutsOpen } from "./keys.ts";
import { live } from "./live.ts";
import { PAGES } from "./pages.ts";
import { usePlace } from "./router.tsx";
import { scheme, toggleScheme } from "./scheme.ts";
import { chosenGateway, gateways, session } from "./session.ts";
import { useStore } from "./store.ts";
import { doing } from "./toasts.tsx";
import { Badge } from "./ui/badge.tsx";
import { Button } from "./ui/button.tsx";
import { Shape } from "./ui/shape.tsx";
import { stateOf } from "./verdict.ts";

export function Header() {
  return (
    <header class="top">
      <div class="top-row">
        <a class="brand" href="/" aria-label="Goodgate, Now">
          <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
            <path
              d="M5 27V14a11 11 0 0 1 22 0v13"
              fill="none"
              stroke="currentColor"
              stroke-width="3.4"
              stroke-linecap="round"
            />
            <path
              d="M11.5 27V16m9 11V16M16 27V13"
              fill="none"
              stroke="currentColor"
              stroke-width="2.4"
              stroke-linecap="round"
            />
          </svg>
          <span>Goodgate</span>
        </a>
        <Glance />
        <div class="top-end">
          <Gateway />
          <ConnectionState />
          <Role />
          <SchemeButton />
          <Button kind="quiet" small label="Keys" title="Keys (?)" onClick={() => shortcutsOpen.set(true)}>
            ?
          </Button>
        </div>
      </div>
      <Navigation />
    </header>
  );
}

/** One word about everything. Read out when it changes. */
function Glance() {
  const state = useStore(live, ({ now }) => (now ? JSON.stringify(stateOf(now)) : ""));
  if (state === "") return <span class="glance" />;
  const { tone, shape, word, sentence, href } = JSON.parse(state) as ReturnType<typeof stateOf>;
  return (
    <span class={`glance t-${tone}`} role="status">
      <a href={href ?? "/"} title={sentence}>
        <Shape name={shape} tone={tone} />
        <b>{word}</b>
      </a>
    </span>
  );
}

function Navigation() {
  const { path } = usePlace();
  const open = useStore(live, ({ now }) => now?.openIncidents ?? 0);
  const list = useRef<HTMLUListElement>(null);
  // On a phone the row scrolls to the page that was opened.
  useEffect(() => {
    const here = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (here && list.current) list.current.scrollLeft = here.offsetLeft - list.current.clientWidth / 3;
  }, [path]);
  return (
    <nav class="pages" aria-label="Pages">
      <ul ref={list}>
        {PAGES.filter(({ title }) => title !== "").map((page) => {
          const here = page.path === "/" ? path === "/" : path === page.path || path.startsWith(`${page.path}/`);
          return (
            <li key={page.path}>
              <a href={page.path} {...(here ? { "aria-current": "page" as const } : {})}>
                {page.title}
                {page.path === "/incidents" && open > 0 && (
                  <span class="nav-count">
                    {open}
                    <span class="unseen"> open</span>
                  </span>
                )}
              </a>
            </li>
          );
        })}
        <li>
          <a href="/reference/">Reference</a>
        </li>
      </ul>
    </nav>
  );
}

function Gateway() {
  const list = useStore(gateways, (value) => value);
  const chosen = useStore(chosenGateway, (value) => value);
  const own = useStore(live, ({ now }) => now?.gateway.id ?? "");
  const name = useStore(live, ({ now }) => now?.gateway.name ?? "");
  const others = list.filter(({ id }) => id !== own);
  if (others.length === 0) return name === "" ? null : <span class="gateway-name">{name}</span>;
  return (
    <select
      class="small"
      aria-label="Gateway whose incidents and traffic are shown"
      value={chosen}
      onChange={(event) => chosenGateway.set(event.currentTarget.value)}
    >
      <option value="">{name === "" ? "This gateway" : name}</option>
      {others.map((gateway) => (
        <option key={gateway.id} value={gateway.id}>
          {gateway.name}
        </option>
      ))}
      <option value="all">All gateways</option>
    </select>
  );
}

const OLD_MS = 3500;

/** "live", or how old the last figures are. */
function ConnectionState() {
  const connection = useStore(live, (value) => value.connection);
  const age = useAge();
  if (connection === "live" && age < OLD_MS) {
    return (
      <span class="connection">
        <Shape name="disc" tone="good" />
        <span class="connection-word">live</span>
      </span>
    );
  }
  const word = connection === "live" ? "waiting" : connection;
  return (
    <span class="connection old">
      <Shape name="half" tone="warn" />
      <span>
        {word}
        {age < Infinity ? `, last figures ${lasting(age)} old` : ""}
      </span>
    </span>
  );
}

/** Of the last figures, in milliseconds; by the second, and only drawn while it matters. */
function useAge(): number {
  const [age, setAge] = useState(Infinity);
  useEffect(() => {
    const look = (): void => {
      const { takenAt } = live.get();
      const ms = takenAt === 0 ? Infinity : performance.now() - takenAt;
      setAge(ms < OLD_MS ? 0 : Math.round(ms / 1000) * 1000);
    };
    look();
    const timer = window.setInterval(look, 1000);
    const stop = live.subscribe(look);
    return () => {
      window.clearInterval(timer);
      stop();
    };
  }, []);
  return age;
}

function Role() {
  const who = useStore(session, (value) => value);
  if (!who) return null;
  const leave = async (): Promise<void> => {
    await doing(async () => {
      await api.logout();
      session.set(null);
      loggedOut.set(true);
      return { ok: true, said: "Logged out" };
    });
  };
  return (
    <>
      {who.role === "reader" && (
        <Badge tone="info" shape="ring" title="You may look at everything and change nothing">
          read-only
        </Badge>
      )}
      {who.tokens && (
        <Button kind="quiet" small onClick={() => void leave()}>
          Log out
        </Button>
      )}
    </>
  );
}

function SchemeButton() {
  const dark = useStore(scheme, (value) => value === "dark");
  return (
    <Button kind="quiet" small label={dark ? "Light colours" : "Dark colours"} onClick={toggleScheme}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="8" cy="8" r="6.4" fill="none" stroke="currentColor" stroke-width="1.4" />
        <path d={dark ? "M8 1.6a6.4 6.4 0 0 1 0 12.8Z" : "M8 1.6a6.4 6.4 0 0 0 0 12.8Z"} fill="currentColor" />
      </svg>
    </Button>
  );
}
