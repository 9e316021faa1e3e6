// From method and path to the operation of the table, or to why there is none: 404 with what was probably meant, 405
// with what the path takes. Pure. Parts of a path are decoded one by one, so that an encoded slash stays in its part.
import { suggest } from "../config/suggest.ts";
import type { Problem } from "./answer.ts";
import type { Operation } from "./api/operation.ts";

export const API = "/api/v1";
const PART_CHARS_MAX = 500;

export type Routed =
  | { readonly operation: Operation; readonly params: Readonly<Record<string, string>> }
  | { readonly problem: Problem };

interface Compiled {
  readonly operation: Operation;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

export class Router {
  readonly #routes: readonly Compiled[];

  constructor(operations: readonly Operation[]) {
    this.#routes = operations.map(compile);
  }

  /** `path` without its query. HEAD is GET without the body; of a stream there is none. */
  route(method: string, path: string): Routed {
    const fitting = this.#routes.filter(({ pattern }) => pattern.test(path));
    const wanted = method === "HEAD" ? "GET" : method;
    const found = fitting.find(
      ({ operation }) => operation.method === wanted && !(method === "HEAD" && "events" in operation),
    );
    if (!found) return { problem: fitting.length === 0 ? this.#unknown(path) : otherMethod(method, fitting) };
    const params = paramsOf(found, path);
    return params === null ? { problem: BAD_PATH } : { operation: found.operation, params };
  }

  #unknown(path: string): Problem {
    const known = [...new Set(this.#routes.map(({ operation }) => API + operation.path))];
    const meant = suggest(path, known);
    const hint = meant === undefined ? `${API}/openapi.json lists what there is` : `did you mean ${meant}?`;
    const shown = path.slice(0, 200);
    return { status: 404, title: "No such call", detail: `There is no ${shown}: ${hint}`, field: "path", value: shown };
  }
}

function compile(operation: Operation): Compiled {
  const names: string[] = [];
  const source = operation.path.replace(/[.*+?^$()[\]\\]|\{(\w+)\}/g, (sign, name?: string) => {
    if (name === undefined) return `\\${sign}`;
    names.push(name);
    return "([^/]+)";
  });
  return { operation, names, pattern: new RegExp(`^${API}${source}$`) };
}

/** null = a part is not text that may be shown: bad encoding, control characters, far too long. */
function paramsOf({ pattern, names }: Compiled, path: string): Record<string, string> | null {
  const parts = pattern.exec(path)?.slice(1) ?? [];
  const params: Record<string, string> = {};
  for (const [index, raw] of parts.entries()) {
    let text: string;
    try {
      text = decodeURIComponent(raw);
    } catch {
      // "%zz", half a character: no part of ours is written so.
      return null;
    }
    if (text.length > PART_CHARS_MAX || /[\x00-\x1f\x7f\u2028\u2029]/.test(text)) return null;
    params[names[index]!] = text;
  }
  return params;
}

const BAD_PATH: Problem = {
  status: 400,
  title: "Not a valid path",
  detail: "A part of the path cannot be read: percent-encode it as UTF-8, without control characters.",
  field: "path",
};

function otherMethod(method: string, fitting: readonly Compiled[]): Problem {
  const methods = [...new Set(fitting.map(({ operation }) => operation.method))];
  const hasHead = fitting.some(({ operation }) => operation.method === "GET" && !("events" in operation));
  const allow = (hasHead ? [...methods, "HEAD"] : methods).join(", ");
  return {
    status: 405,
    title: "Not by this method",
    detail: `This is called by ${allow}.`,
    field: "method",
    value: method.slice(0, 50),
    headers: { Allow: allow },
  };
}
