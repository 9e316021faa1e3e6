// Which form of an error the caller takes, from its Accept field (RFC 9110 §12.5.1). A browser names text/html; curl
// and most libraries say */* and get plain text; a program that names JSON gets application/problem+json.
// Of a hostile field only the beginning is looked at.

/** The forms in which an error is told. */
export type ErrorFormat = "html" | "problem" | "markdown" | "text";

const ACCEPT_CHARS_MAX = 1024;
const RANGES_MAX = 32;

const FORMAT_OF_TYPE: Readonly<Record<string, ErrorFormat>> = {
  "text/html": "html",
  "application/xhtml+xml": "html",
  "application/problem+json": "problem",
  "application/json": "problem",
  "text/markdown": "markdown",
  "text/plain": "text",
  "text/*": "text",
  "application/*": "problem",
  "*/*": "text",
};

/** The form with the highest weight; between equals the one that is named most exactly, then the first. */
export function negotiate(accept: string | null | undefined): ErrorFormat {
  let best: ErrorFormat = "text";
  let bestWeight = 0;
  let bestExactness = 0;
  for (const range of (accept ?? "").slice(0, ACCEPT_CHARS_MAX).split(",", RANGES_MAX)) {
    const [name = "", ...params] = range.split(";");
    const type = name.trim().toLowerCase();
    const format = FORMAT_OF_TYPE[type] ?? (type.endsWith("+json") ? "problem" : undefined);
    if (format === undefined) continue;
    const weight = weightOf(params);
    const exactness = type === "*/*" ? 1 : type.endsWith("/*") ? 2 : 3;
    if (weight < bestWeight || (weight === bestWeight && exactness <= bestExactness)) continue;
    best = format;
    bestWeight = weight;
    bestExactness = exactness;
  }
  return bestWeight === 0 ? "text" : best;
}

function weightOf(params: readonly string[]): number {
  for (const param of params) {
    const weight = /^\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/i.exec(param)?.[1];
    if (weight !== undefined) return Number(weight);
  }
  return 1;
}
