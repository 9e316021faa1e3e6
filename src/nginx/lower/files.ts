// Files and folders: root and alias, index, listings, try_files, media types; and error_page, which sends to them.
import type {
  AutoindexConfig,
  ErrorPageConfig,
  RootConfig,
  Text,
  TryFilesConfig,
  TypesConfig,
} from "../../config/servers.ts";
import { literalText } from "../../config/text.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseNumber } from "../units.ts";
import { type Lowering, prefixPath } from "./lowering.ts";
import { argOf, blockScope, enclosing, flagOf, oneOf, outwards, type Scope, wordOf } from "./scope.ts";
import { textOf } from "./text.ts";

/** Where files are. */
export function rootOf(scope: Scope, { options, locationPrefix }: Lowering): RootConfig {
  const links = symlinksOf(scope);
  for (const at of outwards(scope)) {
    const [root, alias] = [at.own("root")[0], at.own("alias")[0]];
    const directive = root ?? alias;
    if (!directive) continue;
    if (root && alias) complainBoth(scope, root, alias);
    const value = pathOf(scope, directive);
    const path = value.startsWith("$") ? value : prefixPath(options, value);
    const text = textOf(scope, directive, path);
    if (root) return { kind: "root", path: text, prefixLength: 0, ...links };
    const prefixLength = locationPrefix(enclosing(at, "location"))?.length ?? -1;
    return { kind: "alias", path: text, prefixLength, ...links };
  }
  return { kind: "root", path: literalText(prefixPath(options, "html")), prefixLength: 0, ...links };
}

/** The value without its slash at the end, which an alias keeps. */
function pathOf({ problems }: Scope, directive: Directive): string {
  const { name } = directive;
  const value = argOf(directive);
  for (const variable of ["document_root", "realpath_root"]) {
    if (value.includes(`$${variable}`) || value.includes(`\${${variable}}`))
      problems.complain(directive, `the $${variable} variable cannot be used in the "${name}" directive`);
  }
  return name === "root" ? value.replace(/\/$/, "") : value;
}

function complainBoth({ problems }: Scope, root: Directive, alias: Directive): void {
  const [first, second] = root.head.start < alias.head.start ? [root, alias] : [alias, root];
  const text = `"${second.name}" directive is duplicate, "${first.name}" directive was specified earlier`;
  problems.complain(second, text);
}

type Symlinks = Pick<RootConfig, "disableSymlinks" | "symlinksFrom">;

function symlinksOf(scope: Scope): Symlinks {
  const directive = scope.last("disable_symlinks");
  let result: Symlinks = { disableSymlinks: "off", symlinksFrom: null };
  let said = directive === undefined;
  for (const arg of directive?.args ?? []) {
    const { value } = arg;
    if (value === "on" || value === "off" || value === "if_not_owner") {
      result = { ...result, disableSymlinks: value === "if_not_owner" ? "if-not-owner" : value };
      said = true;
    } else if (value.startsWith("from=")) {
      result = { ...result, symlinksFrom: textOf(scope, directive!, value.slice("from=".length)) };
    } else scope.problems.complain(directive!, `invalid parameter "${value}"`, arg);
  }
  if (!said)
    scope.problems.complain(directive!, '"disable_symlinks" must have "off", "on" or "if_not_owner" parameter');
  return result;
}

/** Files that a folder is answered with. */
export function indexOf(scope: Scope): Text[] {
  const directives = scope.all("index");
  if (directives.length === 0) return ["index.html"];
  return directives.flatMap((directive) =>
    directive.args.map((arg) => {
      if (arg.value === "") scope.problems.complain(directive, 'index "" in "index" directive is invalid', arg);
      return textOf(scope, directive, arg);
    }),
  );
}

/** Listings of folders; null = off. */
export function autoindexOf(scope: Scope): AutoindexConfig | null {
  if (!flagOf(scope, "autoindex", false)) return null;
  return {
    format: oneOf(scope, "autoindex_format", ["html", "json", "jsonp", "xml"], "html"),
    exactSize: flagOf(scope, "autoindex_exact_size", true),
    localTime: flagOf(scope, "autoindex_localtime", false),
  };
}

/** What is looked for; it holds in its own block only. */
export function tryFilesOf(scope: Scope): TryFilesConfig | null {
  const directive = scope.own("try_files")[0];
  const last = directive?.args.at(-1);
  if (!directive || !last) return null;
  const paths = directive.args.slice(0, -1).map((arg) => textOf(scope, directive, arg));
  if (!last.value.startsWith("=")) return { paths, last: textOf(scope, directive, last) };
  const status = parseNumber(last.value.slice(1));
  if (status === undefined || status > 999) scope.problems.complain(directive, `invalid code "${last.value}"`, last);
  return { paths, last: { status: status ?? 0 } };
}

/** nginx's own statuses below 500 that a client does not get to see. */
const SHOWN_AS_400 = [494, 495, 496, 497];

/** Pages of errors, in order. */
export function errorPagesOf(scope: Scope): ErrorPageConfig[] {
  return scope.all("error_page").flatMap((directive) => pagesOf(scope, directive));
}

function pagesOf(scope: Scope, directive: Directive): ErrorPageConfig[] {
  const { args } = directive;
  const [change, target] = [args.at(-2), args.at(-1)];
  if (!change || !target) return [];
  const { problems } = scope;
  const isChanged = change.value.startsWith("=");
  const to = textOf(scope, directive, target);
  const number = parseNumber(change.value.slice(1));
  if (isChanged && (args.length === 2 || (change.value !== "=" && number === undefined))) {
    problems.complain(directive, `invalid value "${change.value}"`, change);
    return [];
  }
  const statuses = args.slice(0, isChanged ? -2 : -1).flatMap((arg) => statusOf(scope, directive, arg) ?? []);
  if (isChanged) return [{ statuses, to, status: number ?? "of-page" }];
  const own = statuses.filter((status) => !SHOWN_AS_400.includes(status));
  const hidden = statuses.filter((status) => SHOWN_AS_400.includes(status));
  return [
    ...(own.length > 0 ? [{ statuses: own, to, status: null }] : []),
    ...(hidden.length > 0 ? [{ statuses: hidden, to, status: 400 }] : []),
  ];
}

function statusOf({ problems }: Scope, directive: Directive, arg: Arg): number | null {
  const status = parseNumber(arg.value);
  if (status === undefined || status === 499) problems.complain(directive, `invalid value "${arg.value}"`, arg);
  else if (status >= 300 && status <= 599) return status;
  else problems.complain(directive, `value "${arg.value}" must be between 300 and 599`, arg);
  return null;
}

const BUILT_IN: TypesConfig["byExtension"] = { html: "text/html", gif: "image/gif", jpg: "image/jpeg" };

/** Media types by extension; without any the three that nginx has built in. */
export function typesOf(scope: Scope, { types }: Lowering): TypesConfig {
  const blocks = scope.all("types");
  const first = blocks[0];
  const known = first && types.get(first);
  const byExtension = known ?? (first ? tableOf(scope, blocks) : BUILT_IN);
  if (first && !known) types.set(first, byExtension);
  return { byExtension, default: literalText(wordOf(scope, "default_type", "text/plain")) };
}

function tableOf(scope: Scope, blocks: readonly Directive[]): TypesConfig["byExtension"] {
  const table: Record<string, string> = {};
  for (const block of blocks)
    for (const entry of blockScope(scope, "http", block).directives)
      for (const { value } of entry.args) {
        const extension = value.toLowerCase();
        const old = Object.hasOwn(table, extension) ? table[extension] : undefined;
        const text = `duplicate extension "${value}", content type: "${entry.name}", previous content type: "${old}"`;
        if (old !== undefined) scope.problems.complain(entry, text, undefined, { severity: "warning" });
        table[extension] = entry.name;
      }
  return table;
}
