// The servers of an httpd.conf: the main one and its virtual hosts, each with what holds in it. A virtual host has its
// own directives and those of the main server behind them; of ProxyPass, which mod_proxy puts together, all of the
// main server's come first. <Proxy> and <Location> sections have settings of their own.
import type { Directive } from "./parse.ts";

export interface Site {
  /** null = the main server. */
  readonly section: Directive | null;
  /** Addresses of <VirtualHost>; [] for the main server. */
  readonly addresses: readonly string[];
  readonly names: readonly string[];
  readonly own: readonly Directive[];
  /** Outermost first. */
  readonly scopes: readonly (readonly Directive[])[];
}

/** The sites of a tree; the main server first. */
export function sitesOf(directives: readonly Directive[]): Site[] {
  const isHost = ({ name, inner }: Directive) => inner !== null && name.toLowerCase() === "virtualhost";
  const outer = directives.filter((each) => !isHost(each));
  const main: Site = { section: null, addresses: [], names: namesIn(outer), own: outer, scopes: [outer] };
  const hosts = directives.filter(isHost).map((section): Site => {
    const own = section.inner ?? [];
    return { section, addresses: section.args, names: namesIn(own), own, scopes: [outer, own] };
  });
  return [main, ...hosts];
}

function namesIn(directives: readonly Directive[]): string[] {
  const found = [...named(directives, "ServerName"), ...named(directives, "ServerAlias")];
  return found.flatMap(({ args }) => args.map((arg) => arg.replace(/^https?:\/\//i, "").replace(/:\d+$/, "")));
}

/** Those of this name, in any case, that stand here themselves. */
export function named(directives: readonly Directive[], name: string): readonly Directive[] {
  const wanted = name.toLowerCase();
  return directives.filter((each) => each.name.toLowerCase() === wanted);
}

/** The one that holds: the last of the innermost scope that has one. */
export function holding(scopes: readonly (readonly Directive[])[], name: string): Directive | null {
  for (const scope of scopes.toReversed()) {
    const found = named(scope, name).at(-1);
    if (found) return found;
  }
  return null;
}

/** Whether an On/Off directive holds; null = nobody says. */
export function flag(scopes: readonly (readonly Directive[])[], name: string): boolean | null {
  const found = holding(scopes, name);
  return found ? /^on$/i.test(found.args[0] ?? "") : null;
}
