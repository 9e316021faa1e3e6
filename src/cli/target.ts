// What a word on the command line names: a URL (or host:port) of an application, or a file; and what a file holds:
// goodgate.yaml or nginx.conf. Loads nothing else.

/** "http://…", "https://…", "localhost:3000" or ":3000", as opposed to a file name. */
export function looksLikeUrl(target: string): boolean {
  return /^https?:\/\//i.test(target) || /^(\[[0-9a-f:]+\]|[\w.-]*):\d{1,5}(\/|$)/i.test(target);
}

/** The languages of configuration files, as --as names them. */
export type Language = "yaml" | "nginx";

/** What a text is written in: the first line that says something decides, since YAML may hold any text further in. */
export function languageOf(text: string): Language {
  const lines = text.replace(/^\ufeff/, "").split("\n");
  const first = lines.find((line) => /^\s*[^\s#]/.test(line)) ?? "";
  // A key with its colon, a list, a document's beginning, JSON.
  if (/^\s*(?:["']?[\w./*-]+["']?\s*:(?:\s|$)|[-{[%&!|>]|\.\.\.)/.test(first)) return "yaml";
  return lines.some((line) => /^\s*(?:\w+\b[^#]*)?[;{}]\s*(?:#.*)?$/.test(line)) ? "nginx" : "yaml";
}
