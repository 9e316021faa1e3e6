// Makes a JSON Schema short: what stands in it more than once is defined once. Descriptions stay where they were.

const LENGTH_MIN = 300;

type Node = Readonly<Record<string, unknown>>;

interface Sharing {
  /** How often each part is there, by its text. */
  readonly counts: ReadonlyMap<string, number>;
  readonly names: Map<string, string>;
  readonly defs: Record<string, unknown>;
}

/** The schema with its repetitions under $defs. */
export function withShared(schema: Node, sections: readonly string[]): Node {
  const properties = schema["properties"] as Node;
  const { $defs = {}, ...rest } = schema;
  const counts = new Map<string, number>();
  const roots = [...sections.map((name) => properties[name]), ...Object.values($defs as Node)];
  for (const root of roots) countParts(root, counts);
  const sharing: Sharing = { counts, names: new Map(), defs: {} };
  const shared = Object.entries(properties).map(([name, node]) => [
    name,
    sections.includes(name) ? replaced(node, name, sharing) : node,
  ]);
  for (const [name, node] of Object.entries($defs as Node)) sharing.defs[name] = replaced(node, name, sharing, true);
  return { ...rest, properties: Object.fromEntries(shared), $defs: sharing.defs };
}

function countParts(node: unknown, counts: Map<string, number>): void {
  if (typeof node !== "object" || node === null) return;
  const text = textOf(node);
  if (text.length < LENGTH_MIN) return;
  counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const inner of Object.values(node)) countParts(inner, counts);
}

function textOf(node: object): string {
  const { description: _, ...bare } = node as Node;
  return Array.isArray(node) ? JSON.stringify(node) : JSON.stringify(bare);
}

function replaced(node: unknown, name: string, sharing: Sharing, isDefinition = false): unknown {
  if (typeof node !== "object" || node === null) return node;
  if (Array.isArray(node)) return node.map((each) => replaced(each, name, sharing));
  const text = textOf(node);
  const isPart = "type" in node || "anyOf" in node;
  if (isDefinition || !isPart || text.length < LENGTH_MIN || (sharing.counts.get(text) ?? 0) < 2) {
    const entries = Object.entries(node).map(([key, inner]) => [
      key,
      replaced(inner, isWord(key) ? name : key, sharing),
    ]);
    return Object.fromEntries(entries);
  }
  const { description, ...bare } = node as Node;
  let known = sharing.names.get(text);
  if (known === undefined) {
    known = name;
    for (let count = 2; known in sharing.defs || [...sharing.names.values()].includes(known); count++)
      known = `${name}-${count}`;
    sharing.names.set(text, known);
    sharing.defs[known] = replaced(bare, name, sharing, true);
  }
  return { ...(description === undefined ? {} : { description }), $ref: `#/$defs/${known}` };
}

/** Keys of JSON Schema itself. */
function isWord(key: string): boolean {
  return ["properties", "items", "anyOf", "additionalProperties", "prefixItems"].includes(key);
}
