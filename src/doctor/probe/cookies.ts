// The cookies of one chain of redirects: kept by the host that set them, sent to it alone, forgotten with the chain. Plain
// on purpose: no paths, no domains, no dates but those that take a cookie away. Bounded.
import type { HttpTry } from "../evidence.ts";

const COOKIES_MAX = 20;
const COOKIE_BYTES_MAX = 4_096;
/** RFC 6265 §4.1.1, without quotes around it and with what browsers let pass. */
const COOKIE = /^\s*([^\s=;,]{1,200})=([\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]*)\s*(;.*)?$/;

export class Cookies {
  readonly #kept = new Map<string, { readonly content: string; readonly secure: boolean }>();

  /** Takes what a response sets. */
  keep({ url, fields }: Pick<HttpTry, "url" | "fields">): void {
    const host = hostOf(url);
    for (const [name, value] of fields) {
      if (name.toLowerCase() !== "set-cookie" || value.length > COOKIE_BYTES_MAX) continue;
      const [, cookie, content, attributes = ""] = COOKIE.exec(value) ?? [];
      if (cookie === undefined || content === undefined) continue;
      const key = `${host} ${cookie}`;
      if (/;\s*max-age=(?:0|-\d+)\s*(?:;|$)|;\s*expires=[^;]*\b19[67]\d\b/i.test(attributes)) this.#kept.delete(key);
      else if (this.#kept.has(key) || this.#kept.size < COOKIES_MAX)
        this.#kept.set(key, { content, secure: /;\s*secure\s*(?:;|$)/i.test(attributes) });
    }
  }

  /** The Cookie field of a request; "" = none. */
  fieldFor(url: URL): string {
    const prefix = `${hostOf(url.href)} `;
    return [...this.#kept]
      .filter(([key, { secure }]) => key.startsWith(prefix) && (!secure || url.protocol === "https:"))
      .map(([key, { content }]) => `${key.slice(prefix.length)}=${content}`)
      .join("; ");
  }
}

/** With a port that is not its scheme's own, another server, to which nothing of this one is given. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host.toLowerCase() : "");
