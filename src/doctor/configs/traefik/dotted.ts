// Labels ("traefik.http.routers.web.rule") and command-line options ("--entrypoints.web.address=:80") as the tree that
// the same settings make in a file. Lists are texts with commas there.
import type { Place } from "../../evidence.ts";
import { leaf, type Tree } from "../tree.ts";

export interface Dotted {
  readonly name: string;
  readonly text: string;
  readonly at: Place;
}

interface Branch {
  readonly at: Place;
  readonly names: Map<string, { name: string; branch: Branch }>;
  text: string | null;
}

/** The tree of names with dots. A name in brackets ("servers[0]") is a name of its own. */
export function dottedTree(settings: readonly Dotted[], at: Place): Tree {
  const root: Branch = { at, names: new Map(), text: null };
  for (const { name, text, at: place } of settings) {
    let here = root;
    for (const part of name.split(/\.(?![^[]*\])/).slice(0, 20)) {
      // Case does not count: "loadBalancer" and "loadbalancer" are one.
      const key = part.toLowerCase();
      const found = here.names.get(key) ?? { name: part, branch: { at: place, names: new Map(), text: null } };
      here.names.set(key, found);
      here = found.branch;
    }
    here.text = text;
  }
  return frozen(root);
}

function frozen({ at, names, text }: Branch): Tree {
  if (names.size === 0) return leaf(at, text ?? "true");
  const pairs = [...names.values()].map(({ name, branch }) => ({ key: name, value: frozen(branch) }));
  return { at, kind: "map", text: "", pairs, items: [] };
}

/** What stands in a list, or in a text with commas. */
export function listed(tree: Tree | undefined): readonly string[] {
  if (tree === undefined) return [];
  if (tree.kind === "list") return tree.items.filter(({ kind }) => kind === "scalar").map(({ text }) => text);
  if (tree.kind !== "scalar") return [];
  return tree.text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
