// Documents as trees (tree.ts): JSON by our own reader, which is fast, YAML and what is nearly JSON by the yaml package.
// Nothing throws: a document that is wrong gives what could be read and the problems. Bounded: aliases and merges may
// not make more than NODES_MAX values.
import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseAllDocuments } from "yaml";
import type { Place } from "../evidence.ts";
import { readJson } from "./json-tree.ts";
import { leaf, type Tree } from "./tree.ts";

/** What is wrong with a document, and where. */
export interface TreeProblem {
  readonly at: Place;
  readonly text: string;
}

export interface Trees {
  /** One per document. */
  readonly documents: readonly Tree[];
  readonly problems: readonly TreeProblem[];
}

const NODES_MAX = 300_000;
const DEPTH_MAX = 100;

/** YAML of one or more documents, or JSON. */
export function readYaml(text: string, file: string): Trees {
  const json = /^\s*[[{]/.test(text) ? readJson(text, file) : null;
  if (json) return { documents: [json], problems: [] };
  const lines = new LineCounter();
  const problems: TreeProblem[] = [];
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
  });
  const documents: Tree[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    for (const { message, pos } of document.errors.slice(0, 3)) problems.push({ at: place(pos[0]), text: message });
    if (document.contents === null) continue;
    const budget = { left: NODES_MAX };
    const resolve = (node: unknown): ParsedNode | null =>
      isAlias(node) ? ((node.resolve(document) as ParsedNode | undefined) ?? null) : (node as ParsedNode | null);
    const tree = build(document.contents, null, { place, resolve, budget }, 0);
    if (budget.left <= 0) problems.push({ at: tree.at, text: "more values than are read; the rest is left out" });
    documents.push(tree);
  }
  return { documents, problems };
}

interface Builder {
  readonly place: (offset: number) => Place;
  readonly resolve: (node: unknown) => ParsedNode | null;
  readonly budget: { left: number };
}

function build(given: unknown, key: Place | null, builder: Builder, depth: number): Tree {
  const node = builder.resolve(given);
  const own = (given as { range?: readonly number[] | null } | null)?.range?.[0];
  const at = key ?? builder.place(own ?? 0);
  builder.budget.left -= 1;
  if (node === null || builder.budget.left <= 0 || depth > DEPTH_MAX) return leaf(at, null);
  if (isMap(node)) return mapTree(node, at, builder, depth);
  if (isSeq(node)) {
    const items = node.items.map((item) => build(item, null, builder, depth + 1));
    return { at, kind: "list", text: "", pairs: [], items };
  }
  if (!isScalar(node) || node.value === null || node.value === undefined) return leaf(at, null);
  return leaf(at, typeof node.value === "string" ? node.value : (node.source ?? String(node.value)));
}

function mapTree(node: { items: readonly unknown[] }, at: Place, builder: Builder, depth: number): Tree {
  const pairs: { key: string; value: Tree }[] = [];
  const merged: Tree[] = [];
  for (const item of node.items as readonly { key: unknown; value: unknown }[]) {
    const keyNode = builder.resolve(item.key);
    const name = isScalar(keyNode) ? (keyNode.source ?? String(keyNode.value)) : "";
    const offset = (item.key as { range?: readonly number[] | null } | null)?.range?.[0];
    const value = build(item.value, offset === undefined ? at : builder.place(offset), builder, depth + 1);
    if (name === "<<") merged.push(...(value.kind === "list" ? value.items : [value]));
    else pairs.push({ key: name, value });
  }
  // What stands here wins over what is merged in.
  const here = new Set(pairs.map(({ key }) => key));
  for (const tree of merged)
    for (const pair of tree.pairs)
      if (!here.has(pair.key)) {
        here.add(pair.key);
        pairs.push(pair);
      }
  return { at, kind: "map", text: "", pairs, items: [] };
}
