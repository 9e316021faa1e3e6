// Values by name out of a query, a Cookie line and a Set-Cookie line, compared as nginx does: letters of both cases are
// the same, the first of several counts, and nothing is decoded. Inputs are hostile: each is walked once.

/** The value of a query's argument; undefined = there is none with a "=" behind it. */
export function argumentOf(query: string, name: string): string | undefined {
  for (let at = 0; at < query.length; ) {
    const ampersand = query.indexOf("&", at);
    const end = ampersand < 0 ? query.length : ampersand;
    if (query.charCodeAt(at + name.length) === EQUALS && at + name.length < end && sameAt(query, at, name)) {
      return query.slice(at + name.length + 1, end);
    }
    at = end + 1;
  }
  return undefined;
}

/** The value of a cookie in the (joined) lines of Cookie. */
export function cookieOf(lines: string, name: string): string | undefined {
  for (let at = 0; at < lines.length; ) {
    const semicolon = lines.indexOf(";", at);
    const end = semicolon < 0 ? lines.length : semicolon;
    const value = valueBehind(lines, at, end, name);
    if (value !== undefined) return value;
    at = end + 1;
    while (lines.charCodeAt(at) === SPACE) at++;
  }
  return undefined;
}

/** The value of a cookie that one of the Set-Cookie fields sets. */
export function setCookieOf(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    const semicolon = line.indexOf(";");
    const value = valueBehind(line, 0, semicolon < 0 ? line.length : semicolon, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

const SPACE = 0x20;
const EQUALS = 0x3d;

function valueBehind(text: string, start: number, end: number, name: string): string | undefined {
  if (!sameAt(text, start, name)) return undefined;
  let at = start + name.length;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  if (at >= end || text.charCodeAt(at) !== EQUALS) return undefined;
  at++;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  return text.slice(at, end);
}

/** `name` (lower case or not) stands at `at`, whatever its case. */
function sameAt(text: string, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if (lower(text.charCodeAt(at + index)) !== lower(name.charCodeAt(index))) return false;
  }
  return true;
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 32 : code;
}
