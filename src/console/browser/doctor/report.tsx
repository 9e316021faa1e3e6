// A diagnosis in brief: verdict, chain of hops, evidence, fixes, risks. The whole document can be copied.

import { span } from "../format.ts";
import { Badge } from "../ui/badge.tsx";
import { Code, Copy } from "../ui/copy.tsx";
import { Shape } from "../ui/shape.tsx";
import type { Look } from "../ui/tone.ts";
import type { Diagnosis, Hop, Verdict } from "./model.ts";

const OUTCOMES: Readonly<Record<Diagnosis["outcome"], Look>> = {
  fault: { tone: "bad", shape: "cross", word: "Fault found" },
  healthy: { tone: "good", shape: "disc", word: "Healthy" },
  unknown: { tone: "warn", shape: "triangle", word: "Not certain" },
};

const MARKS: Readonly<Record<Hop["mark"], Look>> = {
  good: { tone: "good", shape: "disc", word: "good" },
  bad: { tone: "bad", shape: "cross", word: "fault" },
  warn: { tone: "warn", shape: "triangle", word: "look" },
  behind: { tone: "quiet", shape: "ring", word: "not reached" },
  unknown: { tone: "quiet", shape: "square", word: "not tested" },
};

export function Report({ diagnosis }: { readonly diagnosis: Diagnosis }) {
  const { outcome, summary, verdict, alternatives, chain, risks, excluded, notTested, nextCheck, tested, tookMs } =
    diagnosis;
  const look = OUTCOMES[outcome];
  return (
    <article class="report" aria-label="Diagnosis">
      <div class={`verdict-line ${look.tone}`}>
        <Shape name={look.shape} tone={look.tone} />
        <p>
          <b>{look.word}.</b> {summary}
        </p>
        {tookMs !== null && <span class="soft">{span(tookMs)}</span>}
        <Copy text={() => JSON.stringify(diagnosis, null, 2)} label="Copy as JSON" />
      </div>
      <Chain chain={chain} />
      <div class={verdict ? "report-columns" : ""}>
        {verdict && <VerdictCard verdict={verdict} />}
        <div class={verdict ? "report-side" : "report-side wide"}>
          {nextCheck && (
            <section class="card">
              <h2>What would decide</h2>
              <p>{nextCheck.text}</p>
              {nextCheck.command && <Code code={nextCheck.command} language="Shell" />}
            </section>
          )}
          <List title="Risks" items={risks.map(({ text, fix }) => [text, fix])} />
          <List
            title="What else fits"
            items={alternatives.map(({ headline, reasons }) => [headline, reasons[0]?.text ?? ""])}
          />
          <List title="Excluded" items={excluded.map(({ what, because }) => [what, because])} />
          <List
            title="Not tested"
            items={notTested.map(({ check, reason, how }) => [check, how ? `${reason}: ${how}` : reason])}
          />
          <List title="Tested" items={tested.map((text) => [text, ""])} />
        </div>
      </div>
    </article>
  );
}

function Chain({ chain }: { readonly chain: readonly Hop[] }) {
  if (chain.length === 0) return null;
  return (
    <ol class="hops" aria-label="Hops of a request, outermost first">
      {chain.map(({ id, name, software, address, mark, said, kind }) => {
        const { tone, shape, word } = MARKS[mark] ?? MARKS.unknown;
        return (
          <li key={id} class={`card hop ${mark}`}>
            <Badge tone={tone} shape={shape}>
              {word}
            </Badge>
            <b>{name}</b>
            <span class="soft">{[kind, software, address].filter(Boolean).join(" · ")}</span>
            <p>{said}</p>
          </li>
        );
      })}
    </ol>
  );
}

function VerdictCard({ verdict }: { readonly verdict: Verdict }) {
  const { headline, confidence, reasons, fixes, settles, entry, rate, hopName, address } = verdict;
  return (
    <section class="card">
      <h2>{headline}</h2>
      <p class="soft">
        <Badge tone={confidence === "proven" ? "good" : "warn"} shape={confidence === "proven" ? "star" : "half"}>
          {confidence}
        </Badge>{" "}
        {[hopName, address, rate].filter(Boolean).join(" · ")}
      </p>
      <h3>What speaks for it</h3>
      <ul class="report-list">
        {reasons.map(({ text, source }) => (
          <li key={text}>
            {text} <span class="soft">({source})</span>
          </li>
        ))}
      </ul>
      {fixes.length > 0 && <h3>Do this</h3>}
      <ol class="report-list">
        {fixes.map(({ text, command, config }) => (
          <li key={text}>
            <p>{text}</p>
            {command && <Code code={command} language="Shell" />}
            {config && <Code code={config.text} language={config.file ?? config.language} />}
          </li>
        ))}
      </ol>
      {settles && (
        <>
          <h3>What would settle it</h3>
          <p>{settles.text}</p>
          {settles.command && <Code code={settles.command} language="Shell" />}
        </>
      )}
      {entry && (
        <p>
          <a href={`/reference/${entry.replace(/^\/+|\/+$/g, "")}/`}>Read on in the reference</a>
        </p>
      )}
    </section>
  );
}

function List({ title, items }: { readonly title: string; readonly items: readonly (readonly [string, string])[] }) {
  if (items.length === 0) return null;
  return (
    <section class="card">
      <h2>{title}</h2>
      <ul class="report-list">
        {items.map(([text, more]) => (
          <li key={text}>
            {text}
            {more !== "" && <p class="soft">{more}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
