// Files, pages and secrets that strangers can see.
import { argOf, argsOf, flagOf, outwards, type Scope } from "../../lower/scope.ts";
import { isExact } from "../find-location.ts";
import type { Rule } from "../rule.ts";
import { prefixOf } from "../words.ts";

/** A prefix without a slash, an alias with one. */
export const aliasTraversal: Rule = {
  id: "alias-traversal",
  about: "`location /a { alias /b/; }`: `/a../` leads out of the folder",
  *find({ scopes, isWritten }) {
    for (const scope of scopes) {
      const alias = scope.own("alias")[0];
      const path = scope.kind === "location" ? prefixOf(scope, false) : undefined;
      if (!alias || path === undefined || path === "" || !isWritten(scope) || scope.last("internal")) continue;
      if (path.endsWith("/") || !argOf(alias).endsWith("/")) continue;
      const name = argOf(alias).replace(/[^/]*\/$/, "");
      yield {
        directive: alias,
        arg: alias.args[0],
        text: `"${path}../x" is answered with ${name}x: everybody can read what lies beside the folder`,
        fix: `write "location ${path}/ {": both with a slash at the end`,
      };
    }
  },
};

const SYSTEM =
  /^\/(?:etc(?:\/(?:nginx|ssl|letsencrypt))?|root|proc|sys|dev|boot|home|var(?:\/(?:log(?:\/nginx)?|lib))?)?\/?$/;

/** Everything, keys included. */
export const rootOfSystem: Rule = {
  id: "root-of-system",
  about: "`root /`, `/etc`, `/etc/nginx`, `/home` and the like: configuration and keys are files as any",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of [...scope.own("root"), ...scope.own("alias")]) {
        const path = argOf(directive);
        if (!SYSTEM.test(path)) continue;
        // Of one path only that is asked for.
        const place = scope.kind === "location" ? (prefixOf(scope) ?? "/") : "/";
        if (directive.name === "root" && place.length > 1 && path === "/") continue;
        if (scope.kind === "location" && (isExact(scope) || scope.last("internal") || picksFiles(scope))) continue;
        yield {
          directive,
          arg: directive.args[0],
          text: `all of ${path} can be asked for: configuration, keys and passwords are files as any`,
          fix: "name a folder that holds nothing but what everybody may see",
        };
      }
  },
};

/** Only below a path that is written here. */
function picksFiles(scope: Scope): boolean {
  const tries = scope.own("try_files")[0];
  return tries !== undefined && argsOf(tries).every((word) => /^(?:=|@|\/[^$]+\/)/.test(word));
}

/** What stands in the way of strangers. */
function isGuarded(scope: Scope): boolean {
  const has = (name: string) => {
    const found = scope.last(name);
    return found !== undefined && argOf(found) !== "off";
  };
  if (
    [
      "auth_basic",
      "auth_request",
      "secure_link",
      "secure_link_secret",
      "internal",
      "ssl_verify_client",
      "auth_jwt",
    ].some(has)
  )
    return true;
  for (const at of outwards(scope)) {
    const rules = [...at.own("allow"), ...at.own("deny")];
    if (rules.length > 0) return at.own("deny").length > 0;
  }
  return scope.own("return").length > 0 || scope.directives.some(({ name }) => name === "if");
}

/** The server is asked for from this machine only. */
function isLocal(scope: Scope): boolean {
  for (const at of outwards(scope)) {
    if (at.kind !== "server") continue;
    const listens = at.own("listen");
    return listens.length > 0 && listens.every((each) => /^(?:127\.|\[::1\]|localhost|unix:)/i.test(argOf(each)));
  }
  return false;
}

/** Counters for everybody. */
export const statusOpen: Rule = {
  id: "status-open",
  about: "`stub_status` that everybody can ask for",
  *find({ scopes, isKnown }) {
    for (const scope of scopes) {
      const directive = scope.own("stub_status")[0];
      if (!directive || isGuarded(scope) || isLocal(scope) || !isKnown(scope)) continue;
      yield {
        directive,
        text: "everybody can see how busy the server is",
        fix: 'write "allow 127.0.0.1;" and "deny all;" here',
      };
    }
  },
};

const SENSITIVE =
  /(?:^|\/)(?:backups?|logs?|private|conf(?:ig)?|dumps?|\.git|\.ssh|secrets?|keys?|certs?|db|sql)(?:\/|$)/i;

/** A list of what nobody should know. */
export const listOfFiles: Rule = {
  id: "list-of-files",
  about: "`autoindex on` for backups, logs, configuration, keys",
  *find({ scopes, isKnown }) {
    for (const scope of scopes) {
      if (scope.kind !== "location" || !flagOf(scope, "autoindex", false) || isGuarded(scope) || isLocal(scope))
        continue;
      const folder = argOf(scope.last("alias") ?? scope.last("root"));
      const directive = scope.last("autoindex");
      const name = [prefixOf(scope) ?? "", folder].find((each) => SENSITIVE.test(each));
      if (!directive || name === undefined || !isKnown(scope)) continue;
      yield {
        directive,
        text: `everybody can list "${name}" and take what is in it`,
        fix: 'write "auth_basic …", or "allow 10.0.0.0/8;" and "deny all;"',
      };
    }
  },
};

const HANDED_OUT =
  /^\/(?:internal|protected|private|x-?accel|x-?sendfile|sendfile|protected[-_]files|internal[-_]files?|private[-_]files)(?:[-_/]|$)/i;

/** Files that the application hands out, without asking it. */
export const internalMissing: Rule = {
  id: "internal-missing",
  about: "a location of files for X-Accel-Redirect (by its name) without `internal`",
  *find({ scopes, isKnown }) {
    for (const scope of scopes) {
      const path = scope.kind === "location" ? prefixOf(scope) : undefined;
      const files = scope.own("alias")[0] ?? scope.own("root")[0];
      if (path === undefined || !HANDED_OUT.test(path) || !files || isGuarded(scope) || !isKnown(scope)) continue;
      yield {
        directive: scope.directive!,
        arg: scope.directive!.args.at(-1),
        text: `everybody can ask for "${path}", without the application that should decide`,
        fix: 'write "internal;" here: X-Accel-Redirect comes in nevertheless',
      };
    }
  },
};

/** Answers for auth_request that everybody can ask for. */
export const authOpen: Rule = {
  id: "auth-open",
  about: "the location of an `auth_request` without `internal`",
  *find({ scopes }) {
    const targets = new Set(
      scopes.flatMap((scope) => scope.own("auth_request").map((each) => argOf(each).replace(/\?.*$/, ""))),
    );
    for (const scope of scopes) {
      const path = scope.kind === "location" ? prefixOf(scope) : undefined;
      if (path === undefined || !targets.has(path) || scope.last("internal") || scope.own("proxy_pass").length === 0)
        continue;
      yield {
        directive: scope.directive!,
        arg: scope.directive!.args.at(-1),
        text: `"${path}" is asked by auth_request, and by everybody who likes to`,
        fix: 'write "internal;" here',
        note: true,
      };
    }
  },
};

/** Which version has which hole. */
export const serverTokens: Rule = {
  id: "server-tokens",
  about: "`server_tokens on` (written)",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("server_tokens")) {
        if (argOf(directive) === "off" || argOf(directive) === "") continue;
        yield {
          directive,
          text: "every answer says which version runs here",
          fix: 'write "server_tokens off;"',
          note: true,
        };
      }
  },
};

const CREDENTIAL = /^(?:(?:basic|bearer|token)\s+[\w+/=.~-]{12,}|[A-Za-z0-9_\-+/=.]{24,})$/i;
const CREDENTIAL_NAMES =
  /^(?:authorization|proxy-authorization|x-api-key|x-auth-token|api-key|x-vault-token|private-token)$/i;

/** Passwords in a file that everybody on the machine reads. */
export const secretInFile: Rule = {
  id: "secret-in-file",
  about: "a password or token in `proxy_set_header Authorization` and the like",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("proxy_set_header")) {
        const [name, value] = argsOf(directive);
        if (!name || !value || value.includes("$") || !CREDENTIAL_NAMES.test(name) || !CREDENTIAL.test(value)) continue;
        if (/^(?:basic|bearer|token)?\s*(.)\1+$/i.test(value)) continue;
        yield {
          directive,
          text: `a secret for ${name} stands in this file, which is readable for all and ends in backups and repositories`,
          fix: "put the line into a file with mode 600, and include that",
          secret: true,
        };
      }
  },
};

/** Paths that are compared before they are cleaned. */
export const mergeSlashesOff: Rule = {
  id: "merge-slashes-off",
  about: "`merge_slashes off` where locations are closed: `//admin` is not `/admin`",
  *find({ scopes, servers, inner }) {
    for (const scope of [...servers, ...scopes.filter(({ kind }) => kind === "http")]) {
      const directive = scope.own("merge_slashes")[0];
      if (!directive || argOf(directive) !== "off") continue;
      const among = scope.kind === "server" ? [scope] : servers;
      const closed = among
        .flatMap((server) => inner(server, "location"))
        .find((each) => (prefixOf(each, false)?.length ?? 0) > 1 && closesItself(each));
      if (!closed) continue;
      yield {
        directive,
        text: `"/${prefixOf(closed, false)}" is another path than "${prefixOf(closed, false)}", which is closed: who doubles the slash gets in`,
        fix: 'write "merge_slashes on;", or close "location /" too',
      };
    }
  },
};

function closesItself(scope: Scope): boolean {
  return ["deny", "auth_basic", "auth_request"].some((name) => scope.own(name).some((each) => argOf(each) !== "off"));
}
