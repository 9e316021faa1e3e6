// A response as the fingerprints look at it: fields by lower-case name, the body with plain line ends and without
// blanks around it. Everything is bounded, so that no pattern can be made slow by what a server sends.

/** What a response tells of itself: its status, its fields in order, and the beginning of its body as text. */
export interface PageResponse {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly excerpt: string;
}

/** A response, prepared. */
export interface Seen {
  readonly status: number;
  /** In order, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** All lines of a field joined by ", "; "" = it is not there. */
  readonly field: (lowerName: string) => string;
  /** The lines of a field apart. */
  readonly lines: (lowerName: string) => readonly string[];
  readonly body: string;
  /** Media type in lower case, without parameters. */
  readonly type: string;
  /** The Server field in lower case. */
  readonly server: string;
}

const FIELDS_MAX = 200;
const VALUE_MAX = 4096;
const BODY_MAX = 4096;

/** The statuses by which a gateway says that the trouble is behind it. */
export const isGatewayStatus = (status: number): boolean => status >= 502 && status <= 504;

/** Prepares a response for the fingerprints. */
export function lookAt({ status, fields, excerpt }: PageResponse): Seen {
  const kept = fields
    .slice(0, FIELDS_MAX)
    .map(([name, value]) => [name.toLowerCase(), value.slice(0, VALUE_MAX).trim()] as const);
  const lines = (lowerName: string): string[] => kept.filter(([name]) => name === lowerName).map(([, value]) => value);
  const field = (lowerName: string): string => lines(lowerName).join(", ");
  return {
    status,
    fields: kept,
    field,
    lines,
    body: excerpt.slice(0, BODY_MAX).replace(/\r\n?/g, "\n").trim(),
    type: field("content-type")
      .replace(/[;,][\s\S]*$/, "")
      .trim()
      .toLowerCase(),
    server: field("server").toLowerCase(),
  };
}
