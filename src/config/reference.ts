// The JSON Schema for editors and the reference page for people, made from the one table of fields (schema.ts).
// reference.test.ts writes them with UPDATE_REFERENCE=1, and fails where the committed files say something else.
import * as z from "zod/mini";
import { withShared } from "./reference-shared.ts";
import { configSchema } from "./schema.ts";
import { PLACEHOLDER_FAMILIES, PLACEHOLDERS } from "./template.ts";

/** As much of a JSON Schema as ours use. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  /** The default where zod has none: it belongs to a block's table (forms-record.ts). */
  readonly standard?: unknown;
  readonly unit?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | false;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Node>>;
}

function tree(): Node {
  return z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as Node;
}

/** schema/goodgate.schema.json. */
export function jsonSchema(): string {
  const short = withShared(tidy(tree()) as Record<string, unknown>, SECTIONS);
  const { $schema, ...rest } = short;
  const schema = { $schema, title: "goodgate.yaml", description: "Configuration of Goodgate.", ...rest };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Parts of the file with virtual servers, which say the same in many places. */
const SECTIONS = ["server-defaults", "variables", "zones", "caches", "formats", "charset-maps", "servers"];

/** Takes out what only the page uses, and lets variables stand where a pattern is asked for. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== "object" || value === null) return value;
  const { unit: _, standard, ...node } = value as Record<string, unknown>;
  if (standard !== undefined) node["default"] ??= standard;
  if (typeof node["pattern"] === "string") node["pattern"] = String.raw`(?:${node["pattern"]})|\$\{`;
  if (isEmpty(node["default"])) delete node["default"];
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, tidy(child)]));
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** docs/config.md. */
export function referencePage(): string {
  const root = tree();
  const page: Page = { defs: root.$defs ?? {}, seen: new Set(), block: keysOf(root.properties?.["server-defaults"]) };
  const sections = [INTRODUCTION, ...sectionsOf(page, root, "", "Top level"), placeholderSection()];
  return `${sections.map((section) => section.trim()).join("\n\n")}\n`;
}

interface Page {
  readonly defs: Readonly<Record<string, Node>>;
  /** Definitions that have a section. */
  readonly seen: Set<string>;
  /** Keys that every block of virtual servers has. */
  readonly block: readonly string[];
}

function keysOf(node: Node | undefined): string[] {
  return Object.keys(node?.properties ?? {});
}

/** A section for a mapping, and one for each mapping in it. */
function sectionsOf(page: Page, node: Node, path: string, title: string): string[] {
  const own: string[] = [];
  const inner: string[] = [];
  const isBlock = path !== "server-defaults" && page.block.every((key) => key === "head" || keysOf(node).includes(key));
  for (const [key, field] of Object.entries(node.properties ?? {})) {
    if (isBlock && page.block.includes(key)) continue;
    const name = path === "" ? key : `${path}.${key}`;
    const required = node.required?.includes(key) && field.default === undefined;
    own.push(
      `| \`${key}\` | ${cell(kindOf(field))} | ${cell(defaultOf(field, required === true))} | ${cell(field.description ?? "")} |`,
    );
    const part = mappingIn(page, field);
    if (part) inner.push(...sectionsOf(page, part.node, `${name}${part.suffix}`, `\`${name}${part.suffix}\``));
  }
  if (isBlock) own.push("| … | | | The keys of `server-defaults`, for this block. |");
  return [`## ${title}\n\n| Key | Value | Default | Meaning |\n|---|---|---|---|\n${own.join("\n")}`, ...inner];
}

/** The mapping that a field is, holds by name, or lists. */
function mappingIn(page: Page, field: Node): { node: Node; suffix: string } | undefined {
  if (field.$ref !== undefined) {
    const name = field.$ref.replace("#/$defs/", "");
    const node = page.defs[name];
    if (!node || page.seen.has(name)) return undefined;
    page.seen.add(name);
    return mappingIn(page, node);
  }
  if (field.properties) return { node: field, suffix: "" };
  if (field.items) {
    const found = mappingIn(page, field.items);
    return found && { node: found.node, suffix: `[]${found.suffix}` };
  }
  if (field.additionalProperties) {
    const found = mappingIn(page, field.additionalProperties);
    return found && { node: found.node, suffix: `.NAME${found.suffix}` };
  }
  // Of several forms the fullest: a mapping before a list of mappings.
  const forms = (field.anyOf ?? []).map((form) => mappingIn(page, form)).filter((form) => form !== undefined);
  return forms.toSorted((a, b) => a.suffix.length - b.suffix.length)[0];
}

function kindOf(field: Node): string {
  if (field.unit !== undefined) return field.unit;
  if (field.enum) return [...new Set(field.enum.map((value) => `\`${value}\``))].join(", ");
  if (field.const !== undefined) return `\`${field.const}\``;
  if (field.anyOf) return [...new Set(field.anyOf.map(kindOf))].join(" or ");
  if (field.items) return `list of ${plural(kindOf(field.items))}`;
  if (field.properties) return "mapping";
  if (field.additionalProperties) return `mapping of names to ${plural(kindOf(field.additionalProperties))}`;
  if (field.type === "integer")
    return `number${(field.maximum ?? Infinity) < 2 ** 40 ? `, ${field.minimum} to ${field.maximum}` : ""}`;
  if (field.type === "boolean") return "`true`, `false`";
  return field.type === "string" ? "text" : (field.type ?? "");
}

function plural(noun: string): string {
  return noun === "address" ? "addresses" : /^[a-z]+$/.test(noun) && noun !== "text" ? `${noun}s` : noun;
}

function defaultOf(field: Node, required: boolean): string {
  if (required) return "required";
  const value = field.default ?? field.standard;
  if (value === undefined || isEmpty(value) || value === "") return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function placeholderSection(): string {
  const rows = Object.entries(PLACEHOLDERS).map(([name, meaning]) => `| \`{${name}}\` | ${meaning} |`);
  const families: Readonly<Record<string, string>> = {
    "request.header": "{request.header.NAME}",
    "request.cookie": "{request.cookie.NAME}",
    path: "{path.1}",
  };
  for (const [name, meaning] of Object.entries(PLACEHOLDER_FAMILIES))
    rows.push(`| \`${families[name]}\` | ${meaning.replace(/: \{.*$/, (example) => `: \`${example.slice(2)}\``)} |`);
  return `## Placeholders

In header values, \`rewrite\`, \`redirect\` and the body of \`respond\`. A name that is not known is an error; a brace
without a name behind it stands for itself, so that JSON needs no care; \`{{\` is a brace in any case. CR, LF and NUL
are taken out of values. \`{status}\` and \`{cause}\` are known in response fields only.

| Placeholder | Meaning |
|---|---|
${rows.join("\n")}`;
}

const INTRODUCTION = `<!-- Generated from src/config/schema.ts: UPDATE_REFERENCE=1 npx vitest run src/config/reference.test.ts -->

# goodgate.yaml

\`\`\`yaml
# yaml-language-server: $schema=../schema/goodgate.schema.json
listen: [":8080"]
upstreams:
  app:
    endpoints: ["10.0.0.1:3000", { address: "10.0.0.2:3000", weight: 2 }, { address: "10.0.0.9:3000", backup: true }]
    timeouts: { connect: 3s, head: 30s }
routes:
  - { path: /api/*, proxy: app, strip: /api }
  - { path: /old/*, redirect: "https://{request.host}/new" }
  - { path: /, proxy: app }
\`\`\`

The shortest file is \`upstreams: { app: "127.0.0.1:3000" }\`. \`goodgate check FILE\` tells every problem with its line
and column, and settings that will cause gateway errors; \`goodgate reload\` takes a changed file over without closing a
connection, and keeps the old one where the new one has errors.

- **Durations** have a unit: \`250ms\`, \`5s\`, \`1m30s\`, \`2h\`, \`1d\`.
- **Sizes** are bytes, or have a unit: \`64k\`, \`64KiB\`, \`10m\`, \`10MiB\` (powers of 1024), \`8KB\`, \`10MB\` (powers of 1000).
- **Variables**: \`\${NAME}\` and \`\${NAME:-default}\` are put in from the environment, within values and not in keys; one that
  is not set and has no default is an error. \`$\${\` stands for \`\${\`. Within \`{ }\` and \`[ ]\` put such values in quotes.
- **Files** are named relative to the configuration file, and are read when it is loaded.
- **Unknown keys** are errors. JSON is accepted, as it is YAML.

## Which route a request takes

The most specific one that matches, whatever the order in the file:

1. Host: the exact name, then \`*.example.com\` (the longest first), then routes without a host. Port, case and a final dot
   do not count. Where no route of a host fits path and method, the next host is asked.
2. Path: an exact path, then a glob (more literal text first), then a regular expression (in the order of the file), then the
   longest prefix. As in nginx, regular expressions stand before prefixes: behind them, \`/\` would hide them all.
3. Method: a route that names methods comes before one for all; a route whose methods do not fit is passed over.

| Path | Covers |
|---|---|
| \`/login\` | \`/login\` only |
| \`/\` | every path |
| \`/api/*\` | \`/api\` and all below it |
| \`/static/\` | all that begins with \`/static/\` |
| \`/shop/*/cart\` | \`*\` is any text within one segment, once in a segment: \`/img/*.png\` |
| \`/docs/**/*.pdf\` | \`**\` is any number of whole segments, once in a pattern |
| \`~ ^/v\\d+/\`, \`~* \\.php$\` | a regular expression; \`~*\` ignores case |

A regular expression is refused where it can take long on a hostile path: a repetition within a repetition, alternatives
that begin alike under a repetition, backreferences, lookaround, more than one place to try at every character. It is not
tried on paths above 2048 characters; such a path goes to the next route that fits, so deny by prefix, not by expression.

## Virtual servers

\`\`\`yaml
upstreams: { app: ["10.0.0.1:3000", "10.0.0.2:3000"] }
servers:
  - names: [example.com, "*.example.com"]
    listen: [":80"]
    request: { body: 10MiB }
    proxy: { request: { headers: { Host: "{$host}", X-Real-IP: "{$remote_addr}" } } }
    locations:
      - { location: /, proxy: app }
      - { location: /static/, root: { alias: /srv/static/ }, response: { expires: { after: 30d } } }
      - location: ~ ^/old/(.*)$
        rewrite: [{ if: { value: "{$request_method}", equals: POST }, then: [{ return: 405 }] }, { return: 301, text: "/new/{$1}" }]
\`\`\`

A file has \`routes\` or \`servers\`. Servers choose by address and Host, and then by a tree of locations, with nginx's rules of
precedence, rewrite programs and variables: what an nginx.conf can say has its place here, and \`goodgate adapt nginx.conf\`
prints an nginx.conf in this form.

- **Inheritance**: a block has the settings of the block around it with what it says laid over; mappings such as \`request\`,
  \`proxy\` or \`access\` are taken key by key, everything else (texts, lists, \`headers\`, mappings that \`off\` can stand for) as a
  whole. Where the requests go (\`proxy.to\`, \`proxy.url\`, \`tunnel\`, \`content\`) and \`try-files\` hold in their own block only;
  \`if\` and \`limit-except\` have those of their location.
- **Texts** may have variables: \`{$host}\`, \`{$1}\` for what a pattern captured; \`{{\` is a brace by itself. A name that nothing
  defines is an error.
- **Patterns** are written as in routes, \`~ ^/a\` or \`~* \\.png$\`, in PCRE's language. They are not bounded in time as those of
  routes are: a pattern that can run away does.
- **Bytes**: what is written is UTF-8; a byte that is none is \`"\\udcff"\` (here ff).
- \`defaults: nginx\` gives upstreams what nginx has where the file says nothing; without it they hold, eject and retry as this
  page says.

## What happens when an upstream fails

All of this is on unless the file says otherwise, save \`limits\`, \`health\`, \`slow-start\`, \`panic\` and the statuses of a
route's \`retry\`, which need to know the application. Each worker counts for itself.

| What is seen | What is done | Settings |
|---|---|---|
| One attempt fails | another, on another endpoint where there is one: any method while nothing was sent, idempotent ones while no byte of a response came | \`retry\`, a route's \`retry\` |
| One endpoint fails again and again | it is left out for a while, then probed | \`eject\` |
| One endpoint fails its checks | it is left out until they are good | \`health\` |
| Most endpoints are out | all that accept connections are used | \`panic\` |
| Every endpoint refuses connections, fails its checks or is set to down | requests wait for one to come back | \`hold\` |
| Every connection runs into its deadline | requests fail at once, until a probe succeeds | \`breaker\` |
| Every endpoint has as many requests as it may | requests wait for a place | \`limits\`, \`queue\` |

\`\`\`yaml
upstreams:
  app:
    endpoints: ["10.0.0.1:3000", "10.0.0.2:3000"]
    limits: { requests: 50 }
    queue: { requests: 200, for: 1s }
    health: { path: /healthz, interval: 2s }
    slow-start: 30s
    hold: { for: 15s }
routes:
  - { path: /api/*, proxy: app, retry: { status: [503], idempotency-key: true } }
  - { path: /, proxy: app }
\`\`\``;
