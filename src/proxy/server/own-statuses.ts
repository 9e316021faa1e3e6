// Statuses that nginx has made up for error_page to name (the client gets 400 with a text that says more), and what
// its pages call the others: two have a title of their own, and many have no page.

import { nginxStatusText } from "../../failure/status.ts";

const TEXTS: Readonly<Record<number, string>> = {
  494: "Request Header Or Cookie Too Large",
  495: "The SSL certificate error",
  496: "No required SSL certificate was sent",
  497: "The plain HTTP request was sent to HTTPS port",
};

/** The status that a client gets for it. */
export function shownStatus(status: number): number {
  return TEXTS[status] === undefined ? status : 400;
}

/** What the page says of it besides; undefined = nothing. */
export function ownStatusText(status: number): string | undefined {
  return TEXTS[status];
}

/** Statuses of errors whose response has no body. */
const WITHOUT_PAGE = new Set([304, 305, 306, 417, 418, 419, 420, 422, 423, 424, 425, 426, 427, 428, 506]);

/** Titles that are not the phrase of the status line. */
const TITLES: Readonly<Record<number, string>> = { 302: "Found", 401: "Authorization Required" };

/** The title of the page of a status; undefined = it has no page. */
export function pageTitle(status: number): string | undefined {
  if (WITHOUT_PAGE.has(status) || status < 301 || (status > 429 && status < 500) || status > 507) return undefined;
  const text = TITLES[status] ?? nginxStatusText(status);
  return text === "" ? `${status}` : `${status} ${text}`;
}
