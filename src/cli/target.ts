// What a word on the command line names: a URL (or host:port) of an application, or a file. Loads nothing else.

/** "http://…", "https://…", "localhost:3000" or ":3000", as opposed to a file name. */
export function looksLikeUrl(target: string): boolean {
  return /^https?:\/\//i.test(target) || /^(\[[0-9a-f:]+\]|[\w.-]*):\d{1,5}(\/|$)/i.test(target);
}
