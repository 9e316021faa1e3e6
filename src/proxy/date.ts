// The Date field, made once a second.
let second = -1;
let text = "";

/** The wall clock, in ms. */
export function wallMs(): number {
  return Date.now();
}

/** The wall clock, in whole seconds. */
export function wallSec(): number {
  return Math.floor(Date.now() / 1000);
}

/** Now as an HTTP-date (RFC 9110 §5.6.7). */
export function httpDate(): string {
  const at = Math.floor(Date.now() / 1000);
  if (at !== second) {
    second = at;
    text = new Date(at * 1000).toUTCString();
  }
  return text;
}
