// Plain values as YAML that people like to read: short mappings and lists on a line, the others as blocks, comments
// in front of what they belong to.
import { Document, isCollection, isMap, isPair, isScalar, isSeq, type Node, Scalar, visit } from "yaml";
import type { Path } from "../document.ts";

/** Comments in front of the value at a path. */
export interface Commented {
  readonly path: Path;
  readonly lines: readonly string[];
}

const LINE_MAX = 100;
/** Keys at the top whose entries are told apart more easily on lines of their own. */
const INDENT = 2;

/** The text of a file. */
export function documentText(values: unknown, heading: readonly string[], comments: readonly Commented[]): string {
  const document = new Document(values);
  visit(document, {
    Scalar: (key, node) => {
      if (key === "key" || typeof node.value !== "string") return;
      const written = node.value.replaceAll("${", () => "$${");
      node.value = written;
      if (written.includes("\n")) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  for (const { path, lines } of comments) addComment(document, path, lines);
  if (document.contents) flow(document.contents as Node, 0);
  if (heading.length > 0) document.commentBefore = heading.map(commentLine).join("\n");
  return document.toString({ lineWidth: 0, indent: INDENT, flowCollectionPadding: true });
}

function commentLine(line: string): string {
  return line === "" ? "" : ` ${line.replace(/^\s+/, "")}`;
}

function addComment(document: Document, path: Path, lines: readonly string[]): void {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  const pair = isMap(parent) ? parent.items.find(({ key: each }) => isScalar(each) && each.value === key) : undefined;
  const node = pair ? pair.key : isSeq(parent) ? parent.items[Number(key)] : parent;
  if (typeof node !== "object" || node === null) return;
  const text = lines.map(commentLine).join("\n");
  const target = node as { commentBefore?: string | null };
  target.commentBefore = target.commentBefore ? `${target.commentBefore}\n${text}` : text;
}

/** Puts what is short on a line; gives its length, Infinity where it is a block. */
function flow(node: unknown, depth: number): number {
  if (isPair(node)) {
    const inside = flow(node.value, depth + 1);
    return flow(node.key, depth) + 2 + inside;
  }
  if (isScalar(node)) {
    const { value } = node;
    const length = String(value).length + (typeof value === "string" ? 2 : 0);
    return node.commentBefore ? Number.POSITIVE_INFINITY : length;
  }
  if (!isCollection(node)) return 4;
  let length = 4;
  for (const item of node.items) length += flow(item, depth + 1) + 2;
  const isInner = (node.items as unknown[]).some((item) => hasComment(item));
  const isFlow = depth >= 3 && length + depth * INDENT <= LINE_MAX && !isInner;
  if (isFlow || node.items.length === 0) node.flow = true;
  return isFlow || node.items.length === 0 ? length : Number.POSITIVE_INFINITY;
}

function hasComment(item: unknown): boolean {
  if (isPair(item)) return hasComment(item.key) || hasComment(item.value);
  return typeof item === "object" && item !== null && Boolean((item as { commentBefore?: unknown }).commentBefore);
}
