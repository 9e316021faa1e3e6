// Whether a client takes gzip, read as nginx reads Accept-Encoding: the first "gzip" that begins a list element counts,
// with its quality; "*" and "x-gzip" are not understood, and what is malformed means no.

/** Whether the value of Accept-Encoding admits gzip. */
export function acceptsGzip(value: string): boolean {
  if (value.startsWith("gzip,")) return true;
  const match = /(?:^|[, ])gzip/i.exec(value);
  if (!match) return false;
  const rest = value.slice(match.index + match[0].length);
  const parameter = /^ *(?:$|,|;)/.exec(rest);
  if (!parameter) return false;
  if (!parameter[0].endsWith(";")) return true;
  const quality = /^ *(?:$|q(.*)$)/is.exec(rest.slice(parameter[0].length));
  if (!quality) return false;
  return quality[1] === undefined || isPositiveQuality(quality[1]);
}

/** "=0.5", "=1": above zero, at most one, at most three digits; a comma or space ends it. */
function isPositiveQuality(text: string): boolean {
  const match = /^=([01])(?:\.(\d*))?(?:[, ]|$)/.exec(text);
  if (!match) return false;
  const [, whole, fraction = ""] = match;
  if (fraction.length > 3) return false;
  return whole === "1" ? !/[1-9]/.test(fraction) : /[1-9]/.test(fraction);
}
