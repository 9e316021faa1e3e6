// Messages for Slack's incoming webhooks: blocks, and the same as one text for notifications and for Mattermost,
// which reads the text only. Everything that comes from traffic or names is escaped: "&", "<" and ">" begin links and
// mentions in Slack's markup; "@" before channel, here, all and everyone mentions in Mattermost.

import { span } from "../failure/words.ts";
import type { Incident } from "../incidents/model.ts";
import { printable } from "../wire/printable.ts";
import { type Content, type GatewayName, gravestFirst, incidentLink, referenceLink } from "./message.ts";

/** Slack takes 3000 characters in a section. */
const SECTION_CHARACTERS_MAX = 2900;
const TEXT_CHARACTERS_MAX = 500;
const SHORT_CHARACTERS_MAX = 100;
/** Incidents that a summary names; with their links they fit into a section. */
const NAMED_MAX = 10;
const REASONS_MAX = 3;
const FIXES_MAX = 3;

interface Block {
  readonly type: "section" | "context";
  readonly text?: object;
  readonly elements?: readonly object[];
}

/** The body of a webhook of the format "slack". */
export function slackBody(content: Content, gateway: GatewayName, consoleUrl: string | null): string {
  const parts =
    content.event === "incidents.summary"
      ? summaryParts(content, consoleUrl)
      : incidentParts(content.incident, content.event === "incident.opened", consoleUrl);
  const foot = `Goodgate ${escapeText(gateway.name)}`;
  const blocks: Block[] = [
    ...parts.map((part): Block => ({ type: "section", text: { type: "mrkdwn", text: shorten(part) } })),
    { type: "context", elements: [{ type: "mrkdwn", text: shorten(foot) }] },
  ];
  return JSON.stringify({ text: [...parts, foot].map(shorten).join("\n"), blocks });
}

function incidentParts(incident: Incident, isOpened: boolean, consoleUrl: string | null): string[] {
  const { verdict, severity, openedAt, closedAt, counts } = incident;
  const link = incidentLink(incident, consoleUrl);
  const short = escapeText(verdict.short, SHORT_CHARACTERS_MAX);
  const title = link ? `<${link}|${short}>` : short;
  const lasted = closedAt === null ? "" : ` after ${span(closedAt - openedAt)}`;
  const parts = [`*${isOpened ? "Opened" : `Closed${lasted}`}: ${severity}* ${title}\n${escapeText(verdict.sentence)}`];
  const saved = counts.held + counts.queued + counts.retried + counts.failedOver;
  const figures = [
    `${counts.shown} shown`,
    `${saved} saved`,
    ...(counts.cut > 0 ? [`${counts.cut} cut`] : []),
    ...(counts.clients > 0 ? [counts.clients === 1 ? "1 client" : `about ${counts.clients} clients`] : []),
  ];
  parts.push(
    `Errors: ${figures.join(", ")}. Cause: \`${escapeText(incident.cause)}\`. Confidence: ${verdict.confidence}.`,
  );
  if (isOpened) {
    if (verdict.reasons.length > 0) parts.push(list("Why", verdict.reasons.slice(0, REASONS_MAX)));
    if (verdict.fixes.length > 0)
      parts.push(
        list(
          "What to do",
          verdict.fixes.slice(0, FIXES_MAX).map(({ text }) => text),
        ),
      );
    const reference = referenceLink(incident, consoleUrl);
    if (reference) parts.push(`<${reference}|What this cause means>`);
  }
  return parts;
}

function summaryParts(content: Extract<Content, { event: "incidents.summary" }>, consoleUrl: string | null): string[] {
  const { news, opened, closed } = content;
  const named = gravestFirst(news).slice(0, NAMED_MAX);
  const lines = named.map(({ kind, incident }) => {
    const link = incidentLink(incident, consoleUrl);
    const short = escapeText(incident.verdict.short, SHORT_CHARACTERS_MAX);
    return `${kind} (${incident.severity}): ${link ? `<${link}|${short}>` : short}`;
  });
  const more = opened + closed - named.length;
  return [
    `*Many incidents at once: ${opened} opened, ${closed} closed*`,
    lines.map((line) => `• ${line}`).join("\n") + (more > 0 ? `\n… and ${more} more` : ""),
  ];
}

function list(title: string, items: readonly string[]): string {
  return `*${title}*\n${items.map((item) => `• ${escapeText(item)}`).join("\n")}`;
}

/** Text of strangers in Slack's markup and in Mattermost's: one line, cut before it is escaped. */
export function escapeText(text: string, charactersMax = TEXT_CHARACTERS_MAX): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text;
  return printable(cut.replace(/\s+/g, " "))
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/@(?=channel|here|all|everyone)/gi, "@\u200b");
}

/** Cuts at a line's end where there is one, so that no link or entity is cut in two. */
function shorten(text: string): string {
  if (text.length <= SECTION_CHARACTERS_MAX) return text;
  const at = text.lastIndexOf("\n", SECTION_CHARACTERS_MAX);
  const kept = text.slice(0, at > 0 ? at : SECTION_CHARACTERS_MAX);
  return `${kept.replace(/[<&][^>;\n]*$/, "")} …`;
}
