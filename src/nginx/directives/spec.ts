// The table of directives: what each is called, where it may stand, how many arguments it takes and of what form,
// how a block gets it from the one around it, its default, and what Goodgate does with it. One row for each meaning:
// `server` has one in http, one in upstream, one in stream and one in mail. Facts are those of nginx 1.31, from its
// documentation and its command tables. check.ts holds a configuration against it; lowering looks up the rest.

/** Where a directive may stand: the block around it. */
export type Context =
  | "main"
  | "events"
  | "http"
  | "server"
  | "location"
  /** `if` in a server, `if` in a location. */
  | "server if"
  | "location if"
  | "limit_except"
  | "upstream"
  | "stream"
  | "stream server"
  | "stream upstream"
  | "mail"
  | "mail server";

/** How many arguments: nginx's words, TAKE0 for none; TAKE12 is one or two. */
export type ArgCount = "FLAG" | "ANY" | "1MORE" | "2MORE" | `TAKE${string}`;

export interface ArgSpec {
  readonly count: ArgCount;
  /** "entries": the lines of the block are data (map, types), not directives. */
  readonly block: "none" | "directives" | "entries";
}

/** What an argument looks like, where nginx reads it with one of its ordinary readers. */
export type Form =
  | "flag"
  | "number"
  | "size"
  | "offset"
  /** Milliseconds, seconds. */
  | "time"
  | "seconds"
  /** A number and a size. */
  | "buffers"
  | "string"
  /** One of the words, any of the words; case does not count. */
  | { readonly oneOf: readonly string[] }
  | { readonly anyOf: readonly string[] }
  /** A directive with a reader of its own. */
  | "own";

/** What happens in a block that has none of its own. */
export type Inheritance =
  /** It gets the one around it. */
  | "replace"
  /** It gets all of those around it; one of its own, and it gets none of them. */
  | "append-all-or-none"
  /** It gets nothing. */
  | "none";

/** What Goodgate does with it. */
export type Status =
  /** It has its meaning. */
  | "lowered"
  /** It has none here, and that makes no difference to a client. */
  | "accepted"
  /** nginx would do something that Goodgate does not. */
  | "refused";

export interface DirectiveSpec {
  readonly name: string;
  readonly contexts: readonly Context[];
  readonly args: ArgSpec;
  readonly form: Form;
  /** A second one in the same block "is duplicate". */
  readonly once: boolean;
  /** The least and the most that a number may be. */
  readonly bounds?: readonly [least: number, most: number];
  readonly inherit: Inheritance;
  /** As the documentation writes it. */
  readonly default?: string;
  /** nginx's module without "ngx_" and "_module". */
  readonly module: string;
  readonly status: Status;
  /** For "accepted" and "refused". */
  readonly why?: string;
}

/** What a row may add. */
export interface Details {
  readonly default?: string;
  readonly inherit?: Inheritance;
  readonly once?: boolean;
  readonly bounds?: readonly [number, number];
  readonly status?: Status;
  readonly why?: string;
}

/** A row: name, contexts, arguments ("TAKE1", "TAKE0 BLOCK", "TAKE2 ENTRIES"), form. */
export type Row = (
  name: string,
  contexts: readonly Context[],
  args: ArgCount | `${ArgCount} BLOCK` | `${ArgCount} ENTRIES`,
  form: Form,
  details?: Details,
) => DirectiveSpec;

/** Rows of one module. Forms that nginx stores in one field may stand once, and are inherited by replacement. */
export function rowsOf(module: string, moduleStatus: Status, moduleWhy?: string): Row {
  return (name, contexts, args, form, details = {}) => {
    const [count, kind] = args.split(" ") as [ArgCount, ("BLOCK" | "ENTRIES")?];
    const block = kind === undefined ? "none" : kind === "BLOCK" ? "directives" : "entries";
    const once = details.once ?? (form !== "own" && !(typeof form === "object" && "anyOf" in form));
    const status = details.status ?? moduleStatus;
    const why = details.why ?? (status === "lowered" ? undefined : moduleWhy);
    const levels = contexts.filter((context) => LEVELS.includes(context)).length;
    const passedOn = block === "none" && levels > 1;
    return {
      name,
      contexts,
      args: { count, block },
      form,
      once,
      inherit:
        details.inherit ?? (passedOn ? (once || typeof form === "object" ? "replace" : "append-all-or-none") : "none"),
      module,
      status,
      ...(details.default === undefined ? {} : { default: details.default }),
      ...(details.bounds === undefined ? {} : { bounds: details.bounds }),
      ...(why === undefined ? {} : { why }),
    };
  };
}

const LEVELS: readonly Context[] = ["http", "server", "location", "stream", "stream server", "mail", "mail server"];

export const MAIN: readonly Context[] = ["main"];
export const EVENTS: readonly Context[] = ["events"];
export const HTTP: readonly Context[] = ["http"];
export const HTTP_SERVER: readonly Context[] = ["http", "server"];
/** Most directives of http. */
export const HTTP_ALL: readonly Context[] = ["http", "server", "location"];
export const LOCATION: readonly Context[] = ["location"];
/** Those that an `if` in a location may change. */
export const HTTP_ALL_IF: readonly Context[] = ["http", "server", "location", "location if"];
export const UPSTREAM: readonly Context[] = ["upstream"];
export const STREAM: readonly Context[] = ["stream"];
export const STREAM_ALL: readonly Context[] = ["stream", "stream server"];
export const STREAM_UPSTREAM: readonly Context[] = ["stream upstream"];
export const MAIL_ALL: readonly Context[] = ["mail", "mail server"];
export const EVERYWHERE: readonly Context[] = [
  ...["main", "events", "http", "server", "location", "server if", "location if", "limit_except"],
  ...["upstream", "stream", "stream server", "stream upstream", "mail", "mail server"],
] as Context[];

/** Why a directive makes no difference here. */
export const GROWS = "tables here grow by themselves";
export const BY_NODE = "Node and the kernel decide";
export const BUFFERS = "buffers here have sizes of their own";
