// Statuses that nginx has made up for error_page to name: the client gets 400 with a text that says more.

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
