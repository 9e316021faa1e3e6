// What a failed response says of itself: Proxy-Status (RFC 9209), problem+json (RFC 9457), the request id.
// All of it may come from anyone: nothing here throws, and every text is bounded. The cause is the gateway's own word
// where the problem has it; else it follows from the error type, to the usual cause of that type.
// failure/proxy-status.ts reads the whole field and knows the whole table; here only what a caller needs, in 1 kB.

/** What was read; null = not told. */
export interface Report {
  /** Id of a cause of the reference: "connect-refused". */
  readonly causeId: string | null;
  /** Error type of RFC 9209: "connection_refused". */
  readonly proxyError: string | null;
  /** The hop that reported it. */
  readonly hop: string | null;
  readonly requestId: string | null;
  /** The server's own sentence. */
  readonly detail: string | null;
  /** Address of the reference entry that the server names. */
  readonly reference: string | null;
  /** Whether the server says that trying again is safe and may help. */
  readonly retryable: boolean | null;
}

export const BODY_CHARS_MAX = 65_536;
const TEXT_CHARS_MAX = 1024;
const FIELD_CHARS_MAX = 8192;

/** Error type of RFC 9209 §2.3 that goes with a 5xx → the cause that is behind it most often. */
export const USUAL_CAUSE: Readonly<Record<string, string>> = {
  dns_timeout: "dns-timeout",
  dns_error: "dns-not-resolved",
  destination_unavailable: "no-healthy-upstream",
  destination_ip_unroutable: "network-unreachable",
  connection_refused: "connect-refused",
  connection_timeout: "connect-timeout",
  connection_terminated: "closed-before-response",
  connection_read_timeout: "response-body-timeout",
  connection_limit_reached: "pool-exhausted",
  tls_protocol_error: "tls-handshake-failed",
  tls_certificate_error: "tls-cert-untrusted",
  http_response_incomplete: "response-truncated",
  http_response_header_section_size: "response-header-too-large",
  http_response_body_size: "response-too-large",
  http_response_transfer_coding: "response-encoding-invalid",
  http_response_timeout: "response-timeout",
  http_upgrade_failed: "upgrade-failed",
  http_protocol_error: "response-malformed",
  proxy_internal_error: "gateway-internal-error",
  proxy_configuration_error: "gateway-config-invalid",
  proxy_loop_detected: "proxy-loop",
};

/** Reads a failed response; `body` is the beginning of it, "" = not read. */
export function readReport(headers: Headers, body: string): Report {
  const hop = hopAtFault(headers.get("proxy-status") ?? "");
  const problem = isProblem(headers) ? parseObject(body) : {};
  const text = (name: string): string | null => {
    const value = problem[name];
    return typeof value === "string" && value !== "" ? value.slice(0, TEXT_CHARS_MAX) : null;
  };
  const causeId = text("cause");
  const type = text("type");
  return {
    causeId: causeId && /^[a-z][a-z0-9-]{1,63}$/.test(causeId) ? causeId : usualCause(hop?.error ?? ""),
    proxyError: hop?.error ?? null,
    hop: hop?.name ?? null,
    requestId: headers.get("x-request-id")?.slice(0, TEXT_CHARS_MAX) ?? text("requestId"),
    detail: text("detail") ?? text("title"),
    reference: type && /^https?:\/\//i.test(type) ? type : null,
    retryable: typeof problem["retryable"] === "boolean" ? problem["retryable"] : null,
  };
}

const usualCause = (error: string): string | null => (Object.hasOwn(USUAL_CAUSE, error) ? USUAL_CAUSE[error]! : null);

/** Whether a response's body is a problem document. */
export function isProblem(headers: Headers): boolean {
  return /^application\/problem\+json\b/i.test(headers.get("content-type") ?? "");
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Cut off, or not what its Content-Type says.
    return {};
  }
}

// An item is a string or a token. Literals, so that a bundler sees that they may be left out.
const MEMBER =
  /\s*("(?:[^"\\]|\\["\\])*"|[^\s",;=]+)((?:\s*;\s*[a-z*][\w.*-]*(?:=(?:"(?:[^"\\]|\\["\\])*"|[^\s",;=]+))?)*)\s*(?:,|$)/y;
const ERROR = /;\s*error=("(?:[^"\\]|\\["\\])*"|[^\s",;=]+)/;

/** Of the hops with an error the one nearest the origin, which stands first: the others passed it on. */
export function hopAtFault(field: string): { readonly name: string; readonly error: string } | null {
  if (field.length > FIELD_CHARS_MAX) return null;
  let found: { name: string; error: string } | null = null;
  // A field that is malformed anywhere is ignored as a whole (RFC 9651 §4.2).
  for (MEMBER.lastIndex = 0; MEMBER.lastIndex < field.length; ) {
    const member = MEMBER.exec(field);
    if (!member) return null;
    // Strings of other parameters may hold anything; without the insides no error can be found in them.
    const error = ERROR.exec(member[2]!.replace(/(?<!error=)"(?:[^"\\]|\\.)*"/g, '""'));
    if (error) found ??= { name: unquoted(member[1]!), error: unquoted(error[1]!) };
  }
  return found;
}

const unquoted = (item: string): string => (item.startsWith('"') ? item.slice(1, -1).replace(/\\(.)/g, "$1") : item);

/** The beginning of a body; what follows is not read. Rejects where the body breaks off. */
export async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < BODY_CHARS_MAX) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
  // Not waited for: of a body that was cloned, the other reader may take its time.
  void letGo(reader);
  return text.slice(0, BODY_CHARS_MAX);
}

/** Ends a stream that nobody reads on: it would hold its connection. */
export async function letGo(stream: { readonly cancel: () => Promise<void> } | null | undefined): Promise<void> {
  try {
    await stream?.cancel();
  } catch {
    // It has been read, or had broken off: there is nothing to let go.
  }
}
