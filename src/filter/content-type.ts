// Content-Type as filters look at it. As in nginx the type ends where a charset parameter begins, not at just any
// parameter: "text/html; charset=utf-8" is text/html, "text/html; version=1" is no type that a list would have.

export interface ContentType {
  /** Lower case. */
  readonly type: string;
  /** As written, without quotes; "" = none. */
  readonly charset: string;
  /** What stands before the charset, as written. */
  readonly bare: string;
}

/** Reads the value of a Content-Type field. */
export function readContentType(value: string): ContentType {
  const match = /; *charset=/i.exec(value);
  if (!match) return { type: value.toLowerCase(), charset: "", bare: value };
  const bare = value.slice(0, match.index);
  const charset = value
    .slice(match.index + match[0].length)
    .replace(/^"/, "")
    .replace(/"$/, "");
  return { type: bare.toLowerCase(), charset, bare };
}

/** Whether a response of this type is one of `types` (lower case; "*" = all, those without a type too). */
export function typeFits(types: readonly string[], contentType: string | undefined): boolean {
  if (types.includes("*")) return true;
  return contentType !== undefined && contentType !== "" && types.includes(readContentType(contentType).type);
}
