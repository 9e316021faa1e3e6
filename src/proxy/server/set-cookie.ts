// One cookie of several Set-Cookie fields.

/** The value that the last Set-Cookie of this name gives, as nginx's $upstream_cookie_ has it. */
export function parseSetCookie(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    const [pair = ""] = line.split(";");
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
