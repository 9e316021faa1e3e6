// One failure with its evidence: what happened and what to do in words, the waterfall, what was seen of each attempt, the
// heads of request and response as they were stored (secrets taken out, marked as such), and the same request sent again.
import type { ComponentChildren } from "preact";
import type { Evidence } from "../../../failure/failure.ts";
import type { HeadField, KeptAttempt } from "../../../observe/report.ts";
import type { StoredFailure } from "../../../store/model.ts";
import { size, span } from "../format.ts";
import { Instant } from "../ui/instant.tsx";
import { CopyLink } from "./copies.tsx";
import { outcomeWords } from "./failure-list.tsx";
import { logLine } from "./log-line.ts";
import { Redacted } from "./redacted.tsx";
import { Replay } from "./replay.tsx";
import { WaterfallView } from "./waterfall-view.tsx";

export function FailureView({ failure }: { readonly failure: StoredFailure }) {
  const { id, incident, sentence, fix, attempts, requestHead, method, target, protocol } = failure;
  return (
    <>
      <p class="failure-sentence">{sentence}</p>
      {fix !== "" && (
        <p>
          <b>Fix:</b> {fix}
        </p>
      )}
      <p class="failure-actions">
        <CopyLink
          path={`/incidents/${encodeURIComponent(incident)}?failure=${encodeURIComponent(id)}`}
          label="Copy link to this failure"
        />
        <a href={`/explain?text=${encodeURIComponent(logLine(failure))}`}>Explain</a>
      </p>
      <Facts failure={failure} />
      <WaterfallView failure={failure} />
      {attempts.map((attempt, index) => (
        <AttemptView key={attempt.startMs} attempt={attempt} number={index + 1} />
      ))}
      <Head title="Request as received" first={`${method} ${target} ${protocol}`} fields={requestHead} />
      <Replay key={id} failure={failure} />
    </>
  );
}

/** A list of what is known; what is not there is left out. */
function List({ facts }: { readonly facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  const there = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl class="facts">
      {there.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Facts({ failure }: { readonly failure: StoredFailure }) {
  const { at, requestId, client, listener, tls, host, route, upstream, traceId, userAgent } = failure;
  return (
    <List
      facts={[
        ["Ended", <Instant key="at" at={at} />],
        ["Outcome", outcomeWords(failure)],
        ["Cause", <code key="cause">{failure.cause}</code>],
        ["Phase", failure.phase],
        ["Took", span(failure.durationMs)],
        ["Held", failure.heldMs > 0 ? span(failure.heldMs) : ""],
        ["Queued", failure.queuedMs > 0 ? span(failure.queuedMs) : ""],
        ["Host", host],
        ["Route", route],
        ["Upstream", upstream],
        ["Client", client],
        ["Listener", listener === "" ? "" : `${listener}${tls ? " (TLS)" : ""}`],
        ["From the client", size(failure.bytesReceived)],
        ["To the client", size(failure.bytesSent)],
        ["Request id", <code key="id">{requestId}</code>],
        ["Trace", traceId === "" ? "" : <code key="trace">{traceId}</code>],
        ["User agent", userAgent === "" ? "" : <Redacted key="agent" text={userAgent} />],
      ]}
    />
  );
}

interface AttemptViewProps {
  readonly attempt: KeptAttempt;
  readonly number: number;
}

function AttemptView({ attempt, number }: AttemptViewProps) {
  const { endpoint, cause, sentence, evidence, responseHead, status, reused } = attempt;
  return (
    <section class={`attempt${cause === null ? "" : " failed"}`} aria-label={`Attempt ${number}`}>
      <h4>
        Attempt {number}: {endpoint || "no endpoint"}{" "}
        <span class="soft">{cause === null ? `answered ${status > 0 ? status : ""}` : <code>{cause}</code>}</span>
      </h4>
      {sentence !== "" && <p>{sentence}</p>}
      <List
        facts={[
          ["Connection", reused ? "kept from an earlier request" : "new"],
          ["Sent", size(attempt.bytesSent)],
          ["Received", size(attempt.bytesReceived)],
          ...(evidence ? evidenceFacts(evidence) : []),
        ]}
      />
      {responseHead !== null && (
        <Head title="Response as received" first={status > 0 ? String(status) : ""} fields={responseHead} />
      )}
    </section>
  );
}

/** What was seen, by the names that people use. */
function evidenceFacts(evidence: Evidence): (readonly [string, ComponentChildren])[] {
  const ms = (value: number | undefined): string => (value === undefined ? "" : span(value));
  const { connectionUses: uses, deadline, deadlineMs, limitBytes } = evidence;
  return [
    ["Error code", evidence.errno ?? evidence.tlsCode ?? evidence.rcode ?? ""],
    ["TLS alert", evidence.tlsAlert === undefined ? "" : String(evidence.tlsAlert)],
    ["Address", evidence.address ?? ""],
    ["Deadline", deadline ? `${deadline}${deadlineMs === undefined ? "" : `, ${span(deadlineMs)}`}` : ""],
    ["Waited", ms(evidence.waitedMs)],
    ["Closed by", evidence.closedBy ? `the upstream (${evidence.closedBy.toUpperCase()})` : ""],
    ["Age of the connection", ms(evidence.connectionAgeMs)],
    ["Requests on it before", uses === undefined ? "" : String(uses)],
    ["Idle before", ms(evidence.idleMs)],
    ["Keep-alive as said", ms(evidence.keepAliveHintMs)],
    ["Keep-alive as learnt", ms(evidence.keepAliveLearntMs)],
    ["Round trip", ms(evidence.roundTripMs)],
    ["Detail", evidence.detail ? <Redacted text={evidence.detail} /> : ""],
    ["It began with", evidence.headExcerpt ? <code>{<Redacted text={evidence.headExcerpt} />}</code> : ""],
    ["Limit", evidence.limit ? `${evidence.limit}${limitBytes === undefined ? "" : `, ${size(limitBytes)}`}` : ""],
    ["Body delimited", evidence.closeDelimited ? "by the close: a cut could not have been seen" : ""],
    ["Not tried again", evidence.notRetried ?? ""],
    ["Proxy-Status from further in", evidence.upstreamProxyStatus ? <code>{evidence.upstreamProxyStatus}</code> : ""],
  ];
}

interface HeadProps {
  readonly title: string;
  /** The line before the fields; "" = unknown. */
  readonly first: string;
  readonly fields: readonly HeadField[];
}

/** Fields of a message, as they were stored. */
export function Head({ title, first, fields }: HeadProps) {
  if (fields.length === 0 && first === "") return null;
  return (
    <figure class="code head">
      <figcaption>{title}</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>
          {first !== "" && (
            <>
              <Redacted text={first} />
              {"\n"}
            </>
          )}
          {fields.map(([name, value], index) => (
            <span key={index}>
              <span class="soft">{name}:</span> <Redacted text={value} />
              {"\n"}
            </span>
          ))}
        </code>
      </pre>
    </figure>
  );
}
