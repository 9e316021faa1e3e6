// Every value in force and where it comes from: the file's own, with its line, and the defaults of what the file leaves
// out. Made from the schema's table of fields and the text, so that a field that is added is listed. Values are shown as
// they are written ("3s"), secrets are not shown. Of virtual servers only what is written is listed: what else holds
// there is inherited from block to block.
import * as z from "zod/mini";
import { isSecretName, REDACTED, redactText } from "../std/redact.ts";
import type { Problem } from "./config.ts";
import { type Environment, type Path, readDocument } from "./document.ts";
import { configSchema } from "./schema.ts";

/** One value. */
export interface ValueInForce {
  /** "upstreams.app.timeouts.connect" */
  readonly path: string;
  readonly value: string;
  readonly from: "file" | "default";
  /** Of the file; null = it is a default, or there is no file. */
  readonly line: number | null;
}

interface Node {
  readonly $ref?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | false;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

const VALUES_MAX = 20_000;
const WITHOUT_DEFAULTS = new Set(["servers", "server-defaults", "variables", "zones", "caches", "formats"]);
const PLACE: Problem = { severity: "error", message: "" };

/** The values of a goodgate.yaml. */
export function valuesOfFile(text: string, file: string, env: Environment): ValueInForce[] {
  const document = readDocument(text, file, env);
  return valuesOf(document.value, (path) => document.locate(PLACE, path).position?.line ?? null);
}

/** The values of what a file would say; `lineOf` tells where. */
export function valuesOf(written: unknown, lineOf: (path: Path) => number | null = () => null): ValueInForce[] {
  const schema = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as Node & {
    readonly $defs?: Readonly<Record<string, Node>>;
  };
  const walk = new Walk(schema.$defs ?? {}, lineOf);
  walk.visit(schema, written ?? {}, [], true);
  return walk.found;
}

class Walk {
  readonly found: ValueInForce[] = [];
  readonly #defs: Readonly<Record<string, Node>>;
  readonly #lineOf: (path: Path) => number | null;

  constructor(defs: Readonly<Record<string, Node>>, lineOf: (path: Path) => number | null) {
    this.#defs = defs;
    this.#lineOf = lineOf;
  }

  /** `value` undefined = nobody wrote it. */
  visit(given: Node, value: unknown, path: readonly (string | number)[], defaults: boolean): void {
    if (this.found.length >= VALUES_MAX) return;
    const node = this.#resolve(given);
    const forms = [node, ...(node.anyOf ?? []).map((form) => this.#resolve(form))];
    const fields = forms.find(({ properties }) => properties !== undefined)?.properties;
    if (isRecord(value)) {
      const more = forms.find(({ additionalProperties }) => additionalProperties)?.additionalProperties;
      return this.#visitFields(fields ?? {}, more || {}, value, path, defaults);
    }
    if (Array.isArray(value) && value.some((each) => typeof each === "object")) {
      const items = forms.find(({ items: inner }) => inner)?.items ?? {};
      for (const [index, each] of value.entries()) this.visit(items, each, [...path, index], defaults);
      return;
    }
    if (value !== undefined) {
      this.#add(path, value, "file");
      // A short form, such as an address instead of a whole upstream: the rest has its defaults.
      if (fields && defaults && !isOffWord(value)) this.#visitFields(withoutDefaulted(fields), {}, {}, path, defaults);
      return;
    }
    if (!defaults || node.default === undefined) return;
    if (fields && isRecord(node.default)) return this.#visitFields(fields, {}, {}, path, defaults);
    if (!isEmpty(node.default)) this.#add(path, node.default, "default");
  }

  #visitFields(
    fields: Readonly<Record<string, Node>>,
    more: Node,
    value: Readonly<Record<string, unknown>>,
    path: readonly (string | number)[],
    defaults: boolean,
  ): void {
    for (const key of new Set([...Object.keys(fields), ...Object.keys(value)])) {
      const goesOn = defaults && !(path.length === 0 && WITHOUT_DEFAULTS.has(key));
      this.visit(fields[key] ?? more, value[key], [...path, key], goesOn);
    }
  }

  #add(path: readonly (string | number)[], value: unknown, from: ValueInForce["from"]): void {
    this.found.push({
      path: pathText(path),
      value: shownValue(path, value),
      from,
      line: from === "file" ? this.#lineOf(path) : null,
    });
  }

  #resolve(node: Node): Node {
    const name = node.$ref?.replace("#/$defs/", "");
    return name === undefined ? node : { ...(this.#defs[name] ?? {}), ...node };
  }
}

/** What holds beside a short form, which stands for the address; optional mappings (checks, breakers) do not. */
function withoutDefaulted(fields: Readonly<Record<string, Node>>): Readonly<Record<string, Node>> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, node]) => node.default !== undefined && name !== "to" && name !== "address"),
  );
}

function pathText(path: readonly (string | number)[]): string {
  return path.map((key, at) => (typeof key === "number" ? `[${key}]` : at === 0 ? key : `.${key}`)).join("");
}

function shownValue(path: readonly (string | number)[], value: unknown): string {
  const key = String(path.findLast((part) => typeof part === "string") ?? "");
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (isSecretName(key) && key !== "key" && key !== "idempotency-key" && text !== '""' && text !== "") return REDACTED;
  // A webhook's path is its secret, with many services; so are the fields that a collector wants.
  if (path[0] === "webhooks" && key === "url") {
    return URL.canParse(text) ? `${new URL(text).origin}/${REDACTED}` : REDACTED;
  }
  if (path[0] === "traces" && path[1] === "headers") return REDACTED;
  return redactText(text);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isOffWord = (value: unknown): boolean => value === "off" || value === false;
const isEmpty = (value: unknown): boolean =>
  value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);

/** A line of a goodgate.yaml or an nginx.conf without what is secret in it. */
export function withoutSecrets(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const yaml = /^(\s*(?:-\s+)?["']?([\w.-]+)["']?\s*:\s+)([^\s#{[].*)$/.exec(line);
      if (yaml && isSecretName(yaml[2]!) && !/^(?:key|idempotency-key)$/.test(yaml[2]!)) return yaml[1] + REDACTED;
      return redactText(line).replace(/(hooks?\.[\w.-]+\/|webhooks?\/)\S{8,}/gi, `$1${REDACTED}`);
    })
    .join("\n");
}
