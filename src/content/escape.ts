// How byte text is written where some of its bytes mean something: URIs, HTML and JSON, each as nginx does it. What must
// be escaped differs from encodeURIComponent and from HTML libraries, and listings and redirects are compared by bytes.

/** For a Location: everything that may not stand in a path, "%", "?" and "#" among it; "/" stays. */
export function escapeUri(text: string): string {
  return text.replace(/[\x00-\x20"#%<>?\\^`{|}\x7f-\xff]/g, percent);
}

/** For one name in a link: only letters, digits, "-", ".", "_" and "~" stay. */
export function escapeUriComponent(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~]/g, percent);
}

/** For text and for values in double quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[<>&"]/g, (char) => HTML[char] ?? char);
}

/** For a string in double quotes; bytes above ASCII stay as they are. */
export function escapeJson(text: string): string {
  return text.replace(/[\x00-\x1f\\"]/g, (char) => JSON_SHORT[char] ?? `\\u00${hex(char)}`);
}

const HTML: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
const JSON_SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
  "\\": "\\\\",
  '"': '\\"',
};

function percent(char: string): string {
  return `%${hex(char)}`;
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
}
