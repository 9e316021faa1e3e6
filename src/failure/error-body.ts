// The body of an error response, in the form that the caller asked for: a page for people (error-page.ts),
// application/problem+json (RFC 9457), Markdown, or plain text. All four say the same; only `showDetail` lets
// addresses, error codes and settings in. What comes from the request is escaped for the form it goes into.

import { escapeHtml } from "../std/html.ts";
import { CAUSES } from "./causes.ts";
import { fix, forVisitor, isRetryable, retryAfterOf, sentence } from "./describe.ts";
import { errorPage, PAGE_POLICY } from "./error-page.ts";
import type { Failure } from "./failure.ts";
import type { ErrorFormat } from "./negotiate.ts";
import { hopAtFault, parseProxyStatus } from "./proxy-status.ts";
import { referenceOf } from "./reference.ts";
import { statusText } from "./status.ts";
import { type DescribeContext, requestLine } from "./words.ts";

export { type ErrorFormat, negotiate } from "./negotiate.ts";

/** What is told beside the failure. */
export interface ErrorContext extends DescribeContext {
  readonly requestId: string;
  readonly method: string;
  /** Path as received; "" where the request could not be read. */
  readonly path: string;
  /** Name of the deployment. */
  readonly name: string;
  readonly attempts: number;
  /** Id of the incident that it belongs to, where one is known. */
  readonly incident?: string | null | undefined;
  readonly scheme?: string | undefined;
  /** Other address of the reference than REFERENCE_BASE, without a slash at its end. */
  readonly referenceBase?: string | undefined;
  /** Where whoever runs the gateway reads the same on this machine: its console. Without a slash at its end. */
  readonly localReferenceBase?: string | undefined;
}

/** A body with what must be sent beside it. */
export interface ErrorBody {
  readonly type: string;
  readonly body: string;
  /** Content-Security-Policy; "" = none is needed. */
  readonly policy: string;
}

/** The body for a failure. */
export function errorBody(format: ErrorFormat, failure: Failure, context: ErrorContext): ErrorBody {
  switch (format) {
    case "html": {
      const body = errorPage(failure, context, operatorFacts(failure, context));
      return { type: "text/html; charset=utf-8", body, policy: PAGE_POLICY };
    }
    case "problem":
      return { type: "application/problem+json", body: problem(failure, context), policy: "" };
    case "markdown":
      return { type: "text/markdown; charset=utf-8", body: markdown(failure, context), policy: "" };
    case "text":
      return { type: "text/plain; charset=utf-8", body: plainText(failure, context), policy: "" };
  }
}

function problem(failure: Failure, context: ErrorContext): string {
  const retryAfter = retryAfterOf(failure, context.method, context.keyed);
  const document = {
    type: referenceOf(failure.cause, context.referenceBase),
    title: CAUSES[failure.cause].title,
    status: failure.status,
    detail: sentence(failure, context),
    instance: `urn:goodgate:request:${encodeURIComponent(context.requestId.replace(/[^\x21-\x7e]/g, "_"))}`,
    cause: failure.cause,
    phase: failure.phase,
    ...(context.incident ? { incident: context.incident } : {}),
    requestId: context.requestId,
    retryable: isRetryable(failure, context.method, context.keyed),
    ...(retryAfter === null ? {} : { retryAfter }),
    fix: fix(failure, context),
    ...(context.showDetail ? { attempts: context.attempts, evidence: failure.evidence } : {}),
  };
  // A JSON document that something shows as HTML stays text.
  return JSON.stringify(document, null, 2).replace(/</g, "\\u003c") + "\n";
}

function markdown(failure: Failure, context: ErrorContext): string {
  const facts = factsOf(failure, context).map(([name, value]) => `- ${name}: ${markdownText(value)}\n`);
  return (
    `# ${failure.status} ${statusText(failure.status)}\n\n` +
    `${markdownText(sentence(failure, context))}\n\n` +
    `**What to do:** ${markdownText(fix(failure, context)).replaceAll("\\`", "`")}\n\n` +
    facts.join("")
  );
}

function plainText(failure: Failure, context: ErrorContext): string {
  const facts = factsOf(failure, context).map(([name, value]) => `${name}: ${oneLine(value)}\n`);
  return (
    `${failure.status} ${statusText(failure.status)}\n\n` +
    `${oneLine(sentence(failure, context))}\n${oneLine(fix(failure, context))}\n\n` +
    facts.join("")
  );
}

type Fact = readonly [name: string, value: string];

function factsOf(failure: Failure, context: ErrorContext): Fact[] {
  const retryAfter = retryAfterOf(failure, context.method, context.keyed);
  const retryable = isRetryable(failure, context.method, context.keyed);
  const facts: Fact[] = [
    ["Cause", failure.cause],
    ["Request id", context.requestId],
    ["Retry", !retryable ? "no" : retryAfter === null ? "yes" : `yes, after ${retryAfter} s`],
  ];
  if (context.incident) facts.push(["Incident", context.incident]);
  if (context.path !== "") facts.push(["Request", requestLine(context.method, context.path)]);
  if (context.showDetail) facts.push(...operatorFacts(failure, context).slice(2));
  return facts;
}

/** What whoever runs the gateway is shown: the sentence, the fix, then single facts. Empty without showDetail. */
function operatorFacts(failure: Failure, context: ErrorContext): Fact[] {
  if (!context.showDetail) return [];
  const { evidence } = failure;
  const reported = evidence.upstreamProxyStatus;
  const culprit = reported === undefined ? null : hopAtFault(parseProxyStatus(reported).members);
  const facts: (readonly [string, string | undefined])[] = [
    ["What happened", sentence(failure, context)],
    ["What to do", fix(failure, context)],
    ["Upstream", [context.upstream, evidence.address || context.endpoint].filter(Boolean).join(" · ")],
    ["Route", context.route],
    ["Phase", failure.phase],
    ["Attempts", context.attempts > 0 ? String(context.attempts) : undefined],
    ["Incident", context.incident ?? undefined],
    ["Hop at fault", culprit ? `${culprit.name} (${String(culprit.params.get("error"))})` : undefined],
    ["Reference", referenceOf(failure.cause, context.localReferenceBase ?? context.referenceBase)],
  ];
  return facts.filter((fact): fact is Fact => fact[1] !== undefined && fact[1] !== "");
}

/** No line breaks, no terminal sequences. */
const oneLine = (text: string): string =>
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "?");

const markdownText = (text: string): string =>
  oneLine(text)
    .replace(/[\\`*_[\]<>#|~]/g, "\\$&")
    .replace(/&/g, "&amp;");

/**
 * A user's own page: {status}, {title}, {cause}, {message}, {advice}, {request.id} and {retry.after} are filled in,
 * escaped; anything else in braces stays as it is (a page has styles in braces).
 */
export function ownPage(template: string, failure: Failure, context: ErrorContext): string {
  const { message, advice } = forVisitor(failure, context.method, context.keyed);
  const values: Readonly<Record<string, string>> = {
    status: String(failure.status),
    title: statusText(failure.status),
    cause: failure.cause,
    message,
    advice,
    "request.id": context.requestId,
    "retry.after": String(retryAfterOf(failure, context.method, context.keyed) ?? ""),
  };
  return template.replace(/\{([a-z.]{1,16})\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? escapeHtml(values[name]!) : whole,
  );
}
