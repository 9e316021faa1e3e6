// Host names with a wildcard, as people write them: "a.b", "*.a.b", ".a.b" (it and all below), "a.*".
import type { ServerName } from "./servers.ts";

export type PlainName = Exclude<ServerName, { readonly kind: "pattern" }>;

/** What the text stands for, in lower case; a star elsewhere stays in an exact name, which is for the caller to refuse. */
export function plainName(text: string): PlainName {
  const name = text.toLowerCase();
  if (name.length > 1 && name.startsWith(".")) return { kind: "below-or-same", name: name.slice(1) };
  if (name.length > 2 && name.startsWith("*.")) return { kind: "below", name: name.slice(2) };
  if (name.length > 2 && name.endsWith(".*")) return { kind: "any-end", name: name.slice(0, -2) };
  return { kind: "exact", name };
}

/** The text that plainName reads as this name. */
export function plainNameText({ kind, name }: PlainName): string {
  switch (kind) {
    case "below":
      return `*.${name}`;
    case "below-or-same":
      return `.${name}`;
    case "any-end":
      return `${name}.*`;
    case "exact":
      return name;
  }
}
