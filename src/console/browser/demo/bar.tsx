// The bar of `goodgate demo`: each shop with buttons that break, slow, freeze and heal it, the number of visitors, and a
// short tour. It stands on every page, so that one sees there what a break does.
import { useEffect, useState } from "preact/hooks";
import type { DemoAction, DemoState, DemoWhat } from "../../model.ts";
import { api } from "../api.ts";
import { live } from "../live.ts";
import { remembered, useStore } from "../store.ts";
import { toast } from "../toasts.tsx";
import { ActionButton, Button } from "../ui/button.tsx";
import { useMedia } from "../ui/media.ts";
import { Shape } from "../ui/shape.tsx";
import type { Look } from "../ui/tone.ts";
import { Tour } from "./tour.tsx";
import { restartTour, tourStep } from "./tour-state.ts";

const ASK_MS = 3000;

interface Deed {
  readonly do: DemoWhat;
  readonly word: string;
  readonly says: string;
}

const BREAKS: readonly Deed[] = [
  { do: "crash", word: "Crash", says: "its process ends: nothing listens any more" },
  { do: "slow", word: "Slow", says: "it answers late" },
  { do: "freeze", word: "Freeze", says: "it accepts connections and never answers" },
  { do: "error", word: "Errors", says: "it answers 500" },
  { do: "reset", word: "Cut", says: "it cuts its connections" },
];

const LOOKS: Readonly<Record<DemoWhat | "fine", Look>> = {
  fine: { tone: "good", shape: "disc", word: "fine" },
  heal: { tone: "good", shape: "disc", word: "fine" },
  restart: { tone: "warn", shape: "half", word: "restarting" },
  crash: { tone: "bad", shape: "cross", word: "crashed" },
  slow: { tone: "warn", shape: "half", word: "slow" },
  freeze: { tone: "bad", shape: "square", word: "frozen" },
  error: { tone: "bad", shape: "triangle", word: "errors" },
  reset: { tone: "bad", shape: "diamond", word: "cuts" },
};

/** "open", "closed"; "" = open where the window is large enough to leave room for the page. */
const chosen = remembered("demo-bar");
const SMALL = "(max-width: 720px), (max-height: 600px)";

function useFolded(): boolean {
  const choice = useStore(chosen, (value) => value);
  const small = useMedia(SMALL);
  return choice === "" ? small : choice === "closed";
}

export function DemoBar() {
  const [state, setState] = useState<DemoState | null>(null);
  const closed = useFolded();
  const connection = useStore(live, (value) => value.connection);
  useEffect(() => {
    if (connection !== "live") return;
    const stop = new AbortController();
    const ask = (): void => {
      // Without an answer the last state stays; the connection's state stands in the header.
      api.demo(stop.signal).then(setState, () => undefined);
    };
    ask();
    const timer = window.setInterval(ask, ASK_MS);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, [connection]);
  if (!state) return null;
  const act = (action: DemoAction): void => {
    api.demoDo(action).then(setState, (error: Error) => toast(error.message, "bad"));
  };
  return (
    <section class="demo" aria-label="Demo">
      <div class="demo-inner">
        <div class="demo-head">
          <b>Demo</b>
          {closed ? (
            <Summary shops={state.shops} />
          ) : (
            <>
              <a href={state.shopUrl} target="_blank" rel="noreferrer">
                the shop itself
              </a>
              <Visitors visitors={state.visitors} onChange={(visitors) => act({ visitors })} />
            </>
          )}
          <span class="demo-fold">
            <TourButton />
            <Button small kind="quiet" onClick={() => chosen.set(closed ? "open" : "closed")}>
              {closed ? "Show the shops" : "Fold"}
            </Button>
          </span>
        </div>
        {!closed && (
          <ul class="shops">
            {state.shops.map((shop) => (
              <Shop key={shop.name} shop={shop} onDo={(what) => act({ shop: shop.name, do: what })} />
            ))}
          </ul>
        )}
        <Tour act={act} folded={closed} />
      </div>
    </section>
  );
}

function TourButton() {
  const step = useStore(tourStep, (value) => value);
  if (step !== "closed" && step !== "done") return null;
  return (
    <Button small kind="quiet" onClick={restartTour}>
      Take the tour
    </Button>
  );
}

interface ShopProps {
  readonly shop: DemoState["shops"][number];
  readonly onDo: (what: DemoWhat) => void;
}

function Shop({ shop: { name, doing, state }, onDo }: ShopProps) {
  const { tone, shape, word } = LOOKS[doing];
  const broken = doing !== "fine" && doing !== "heal";
  return (
    <li class="shop">
      <span class="shop-name" title={`${word}. The gateway says: ${state}`}>
        <Shape name={shape} tone={tone} /> <b>{name}</b>
        <span class={broken ? `t-${tone}` : "unseen"}> {word}</span>
      </span>
      <span class="shop-acts">
        {broken && (
          <ActionButton
            small
            kind="primary"
            label={`${doing === "crash" ? "Restart" : "Heal"} ${name}`}
            onClick={() => onDo(doing === "crash" ? "restart" : "heal")}
          >
            {doing === "crash" ? "Restart" : "Heal"}
          </ActionButton>
        )}
        {BREAKS.filter((deed) => !broken || (doing !== "crash" && deed.do !== doing)).map((deed) => (
          <ActionButton
            key={deed.do}
            small
            title={`${name}: ${deed.says}`}
            label={`${deed.word}: ${name}`}
            onClick={() => onDo(deed.do)}
          >
            {deed.word}
          </ActionButton>
        ))}
      </span>
    </li>
  );
}

/** The shops in a few words, where they are folded. */
function Summary({ shops }: { readonly shops: DemoState["shops"] }) {
  const broken = shops.filter(({ doing }) => doing !== "fine" && doing !== "heal");
  if (broken.length === 0)
    return (
      <span class="shop-name">
        <Shape name="disc" tone="good" /> {shops.length} shops fine
      </span>
    );
  return (
    <>
      {broken.map(({ name, doing }) => (
        <span key={name} class="shop-name">
          <Shape name={LOOKS[doing].shape} tone={LOOKS[doing].tone} /> {name} {LOOKS[doing].word}
        </span>
      ))}
    </>
  );
}

const VISITORS_MAX = 500;
const STEPS: readonly number[] = [0, 5, 10, 25, 50, 100, 200, VISITORS_MAX];

function Visitors({
  visitors,
  onChange,
}: {
  readonly visitors: number;
  readonly onChange: (visitors: number) => void;
}) {
  const choices = STEPS.includes(visitors) ? STEPS : [...STEPS, visitors].sort((a, b) => a - b);
  return (
    <label class="visitors">
      Visitors per second
      <select class="small" value={String(visitors)} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {choices.map((choice) => (
          <option key={choice} value={String(choice)}>
            {choice}
          </option>
        ))}
      </select>
    </label>
  );
}
