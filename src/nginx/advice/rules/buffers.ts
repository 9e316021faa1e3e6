// Buffers for heads, and bounds of bodies.
import { argOf, argsOf, bytesOf, enclosing, msOf, type Scope } from "../../lower/scope.ts";
import { parseBuffers, parseSize } from "../../units.ts";
import { isForVisitors, type Proxied, serversOf } from "../proxies.ts";
import type { Rule } from "../rule.ts";
import { prefixOf } from "../words.ts";

const AUTH = /(?:^|[-_./])(?:oauth2?(?:-proxy)?|oidc|saml|keycloak|authentik|zitadel|auth0|okta)(?:$|[-_./:\d])/i;

/** What a proxy's application is called in the files: its location, its group, its host, the names of its server. */
function namesOf({ location, scope, authority, group }: Proxied): string[] {
  const server = enclosing(scope, "server");
  return [
    location ? (prefixOf(location) ?? "") : "",
    authority,
    ...(group ? serversOf(group).map(({ url }) => url.text) : []),
    ...(server?.own("server_name") ?? []).flatMap((each) => argsOf(each)),
  ];
}

/** A head that does not fit is a 502. */
export const headerBufferSmall: Rule = {
  id: "header-buffer-small",
  about: "`proxy_buffer_size` below 4k, or below 8k for applications that log users in (OAuth, OIDC, SAML)",
  *find({ scopes, proxies, isKnown }) {
    for (const scope of scopes)
      for (const directive of scope.own("proxy_buffer_size")) {
        const bytes = parseSize(argOf(directive)) ?? 4096;
        if (bytes >= 4096) continue;
        yield { ...tooSmall(argOf(directive)), directive, arg: directive.args[0] };
      }
    for (const proxy of proxies) {
      const { scope, directive, arg } = proxy;
      const size = scope.last("proxy_buffer_size");
      const bytes = bytesOf(scope, "proxy_buffer_size", 4096);
      if (bytes >= 8192 || bytes < 4096 || (!size && !isKnown(scope))) continue;
      if (namesOf(proxy).some((name) => AUTH.test(name)))
        yield {
          ...tooSmall(size ? argOf(size) : "4k, the default"),
          directive: size ?? directive,
          arg: size ? size.args[0] : arg,
        };
    }
  },
};

function tooSmall(size: string) {
  return {
    text: `the head of an answer must fit into ${size}: cookies and tokens of a login do not, which is a 502 ("upstream sent too big header")`,
    fix: 'write "proxy_buffer_size 16k;" and "proxy_buffers 8 16k;"',
    cause: "response-header-too-large",
  } as const;
}

/** More buffers, and the head's as small as before. */
export const buffersWithoutHead: Rule = {
  id: "buffers-without-head",
  about: "large `proxy_buffers` and `proxy_busy_buffers_size` without `proxy_buffer_size`, which alone bounds heads",
  *find({ scopes, isKnown }) {
    for (const scope of scopes)
      for (const directive of scope.own("proxy_buffers")) {
        const buffers = parseBuffers(argOf(directive), argOf(directive, 1));
        if (!buffers || buffers.bytes < 16_384 || !isKnown(scope) || scope.last("proxy_buffer_size")) continue;
        if (below(scope, scopes).some((each) => each.own("proxy_buffer_size").length > 0)) continue;
        yield {
          directive,
          text: "the buffers for bodies are large, and the one for heads still has 4k: large cookies are a 502 as before",
          fix: `write "proxy_buffer_size ${argOf(directive, 1)};" beside it`,
          cause: "response-header-too-large",
          note: !scope.last("proxy_busy_buffers_size"),
        };
      }
  },
};

function below(scope: Scope, scopes: readonly Scope[]): Scope[] {
  return scopes.filter((each) => {
    for (let at = each.parent; at; at = at.parent) if (at === scope) return true;
    return false;
  });
}

/** Requests with large cookies. */
export const clientHeadSmall: Rule = {
  id: "client-head-small",
  about: "`large_client_header_buffers` below 8k",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("large_client_header_buffers")) {
        const buffers = parseBuffers(argOf(directive), argOf(directive, 1));
        if (!buffers || buffers.bytes >= 8192) continue;
        yield {
          directive,
          arg: directive.args[1],
          text: `a header line over ${argOf(directive, 1)} is refused with 400, a request line with 414: cookies of a login grow to 8k`,
          fix: `write "large_client_header_buffers ${Math.max(4, buffers.count)} 16k;"`,
          cause: "client-request-too-large",
        };
      }
  },
};

const UPLOADS =
  /(?:^|[-_./])(?:uploads?|nextcloud|owncloud|seafile|immich|photoprism|gitlab|gitea|forgejo|registry|nexus|harbor|minio|webdav|filebrowser|paperless|mastodon)(?:$|[-_./:\d])/i;

/** Files over a megabyte. */
export const bodySizeDefault: Rule = {
  id: "body-size-default",
  about: "uploads (by the name of the location or the application) with the default `client_max_body_size` of 1m",
  *find({ proxies, isKnown }) {
    // Once for a server: one line there is what it takes.
    const told = new Set<Scope | undefined>();
    for (const proxy of proxies) {
      const { scope, directive, arg } = proxy;
      if (
        told.has(enclosing(scope, "server")) ||
        scope.last("client_max_body_size") ||
        !isKnown(scope) ||
        !isForVisitors(proxy)
      )
        continue;
      const name = namesOf(proxy).find((each) => UPLOADS.test(each));
      if (name === undefined) continue;
      told.add(enclosing(scope, "server"));
      yield {
        directive,
        arg,
        text: `"${name}" takes files, and a body over 1m, the default, is refused with 413`,
        fix: 'write "client_max_body_size 1g;" (0 = no bound) here or in the server',
        cause: "client-request-too-large",
      };
    }
  },
};

/** Never written, never read. */
export const uploadsSlow: Rule = {
  id: "body-timeout-small",
  about: "`client_body_timeout` or `client_header_timeout` below 5 s",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const name of ["client_body_timeout", "client_header_timeout"])
        for (const directive of scope.own(name)) {
          const ms = msOf(scope, name, 60_000);
          if (ms >= 5000) continue;
          yield {
            directive,
            arg: directive.args[0],
            text: `a visitor who is offline for ${ms / 1000} s, as on a train, loses the request (408)`,
            fix: `write "${name} 15s;"`,
            cause: "client-timeout",
          };
        }
  },
};
