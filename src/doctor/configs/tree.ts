// YAML, JSON and TOML as one kind of tree in which every value knows its place: what Traefik, Envoy, compose, Kubernetes
// and Caddy's JSON are read from. Readers ask with `at(tree, "a", "b")` and need no check that anything on the way is
// there. A name is looked for as written first, then without case and underscores: Traefik ignores case, Envoy takes
// connectTimeout and connect_timeout.
import type { Place } from "../evidence.ts";

/** A value of a document. */
export interface Tree {
  /** Of the name it stands under, or of the value itself in a list. */
  readonly at: Place;
  readonly kind: "map" | "list" | "scalar" | "null";
  /** Of scalars: the text as written, without quotes. */
  readonly text: string;
  readonly pairs: readonly { readonly key: string; readonly value: Tree }[];
  readonly items: readonly Tree[];
}

/** A scalar, or null. */
export function leaf(at: Place, text: string | null): Tree {
  return { at, kind: text === null ? "null" : "scalar", text: text ?? "", pairs: [], items: [] };
}

/** The value under names, one inside the other; undefined = one of them is not there. */
export function at(tree: Tree | undefined, ...path: readonly string[]): Tree | undefined {
  let here = tree;
  for (const name of path) {
    if (here === undefined) return undefined;
    const { pairs } = here;
    const found = pairs.find(({ key }) => key === name) ?? pairs.find(({ key }) => folded(key) === folded(name));
    here = found?.value;
  }
  return here;
}

function folded(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** The text of a scalar; undefined = it is none. */
export function textOf(tree: Tree | undefined): string | undefined {
  return tree?.kind === "scalar" ? tree.text : undefined;
}

/** The number that a scalar is; undefined = it is none. */
export function numberOf(tree: Tree | undefined): number | undefined {
  const text = textOf(tree)?.trim();
  return text !== undefined && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** true or false as YAML of either version writes it; undefined = neither. */
export function flagOf(tree: Tree | undefined): boolean | undefined {
  const text = textOf(tree)?.toLowerCase();
  if (text === "true" || text === "yes" || text === "on") return true;
  return text === "false" || text === "no" || text === "off" ? false : undefined;
}

/** The items of a list; a scalar is a list of one. */
export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  if (tree === undefined || tree.kind === "null") return [];
  return tree.kind === "list" ? tree.items : tree.kind === "scalar" ? [tree] : [];
}

/** Texts of a list. */
export function textsOf(tree: Tree | undefined): readonly string[] {
  return itemsOf(tree).flatMap((item) => textOf(item) ?? []);
}

/** The names of a map with their values. */
export function pairsOf(tree: Tree | undefined): Tree["pairs"] {
  return tree?.pairs ?? [];
}
