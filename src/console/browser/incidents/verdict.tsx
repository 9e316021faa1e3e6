// The verdict in full: what to do, why it is thought so, what would settle it, what else it could be.
import type { Incident, Step, Verdict } from "../../../incidents/model.ts";
import { Code } from "../ui/copy.tsx";

/** What to do, first things first. */
export function Fixes({ incident: { verdict } }: { readonly incident: Incident }) {
  return (
    <section class="card" aria-labelledby="fixes">
      <h2 id="fixes">What to do</h2>
      {verdict.fixes.length > 0 ? (
        <Steps steps={verdict.fixes} />
      ) : (
        <p class="soft">Nothing is to be done at this gateway.</p>
      )}
      <p class="read-on">
        <a href={referenceOf(verdict.entry)}>The reference on {verdict.entry}</a>
      </p>
    </section>
  );
}

/** Entries of causes are named by the cause alone, others by their whole address. */
export function referenceOf(entry: string): string {
  const parts = (entry.includes("/") ? entry : `cause/${entry}`).split("/").filter(Boolean);
  return `/reference/${parts.map(encodeURIComponent).join("/")}/`;
}

/** Why, and what would settle it where it is not proven. */
export function Reasons({ verdict }: { readonly verdict: Verdict }) {
  return (
    <section class="card" aria-labelledby="reasons">
      <h2 id="reasons">Why we think so</h2>
      <p class={`confidence-line c-${verdict.confidence}`}>
        <b>{verdict.confidence}</b>: {CONFIDENCE[verdict.confidence]}
      </p>
      {verdict.reasons.length > 0 && (
        <ul class="reasons">
          {verdict.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {verdict.settle.length > 0 && (
        <>
          <h3>What would settle it</h3>
          <Steps steps={verdict.settle} />
        </>
      )}
    </section>
  );
}

const CONFIDENCE: Readonly<Record<Verdict["confidence"], string>> = {
  proven: "what proves it was seen",
  likely: "the evidence fits this best",
  possible: "one of several that fit",
};

export function Alternatives({ verdict }: { readonly verdict: Verdict }) {
  if (verdict.alternatives.length === 0) return null;
  return (
    <section class="card" aria-labelledby="alternatives">
      <h2 id="alternatives">What else it could be</h2>
      <dl class="alternatives">
        {verdict.alternatives.map(({ text, why }) => (
          <div key={text}>
            <dt>{text}</dt>
            <dd>{why}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Steps({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <ol class="steps">
      {steps.map(({ text, code, language }, index) => (
        <li key={index}>
          <p>{text}</p>
          {code !== undefined && <Code code={code} {...(language ? { language } : {})} />}
        </li>
      ))}
    </ol>
  );
}
