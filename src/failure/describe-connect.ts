// What is said of failures on the way to a connection: name, TCP, pool, TLS.

import { ALERT_NAMES } from "./tls-codes.ts";
import { after, code, type Description, ended, objection, setting, upstreamSetting, within } from "./words.ts";

const alert = (id: number): string => `alert ${id} (${ALERT_NAMES.get(id) ?? "unknown"})`;

const ALERT_FIXES: Readonly<Record<number, string>> = {
  40: "The two sides share no version, cipher or certificate type, or it wants a client certificate (tls.cert, tls.key).",
  42: "It does not accept the client certificate: check tls.cert and tls.key, and the CA that it trusts.",
  46: "It does not accept the client certificate: check tls.cert and tls.key, and the CA that it trusts.",
  48: "It does not know the CA of the client certificate: it must trust the issuer of tls.cert.",
  70: "The TLS versions do not meet: compare tls.min-version with what the upstream offers.",
  112: "It knows no certificate for the name sent as SNI: set tls.server-name to a name that it serves.",
  116: "It wants a client certificate: set tls.cert and tls.key.",
  120: "It does not speak HTTP/1.1 over TLS (ALPN): let it offer http/1.1.",
};

/** Phases dns, connect, pool and tls. */
export const CONNECT_DESCRIPTIONS = {
  "dns-not-resolved": {
    plain: "The name of the application's server is not known.",
    exact: ({ seen, app }) => `The name of ${app} does not resolve${code(seen)}.`,
    fix: ({ app }) =>
      `Ask for the name where the gateway runs (inside its container): \`getent hosts ${hostOf(app)}\`. Mostly a misspelt name, a service on another network, or a record that was removed.`,
  },
  "dns-timeout": {
    plain: "The application's server could not be looked up.",
    exact: ({ seen, app }) =>
      seen.rcode === undefined
        ? `The resolver gave no answer for ${app}${seen.deadline ? within(seen) : after(seen)}${code(seen)}.`
        : `The resolver failed on ${app}${code(seen)}.`,
    fix: (subject) =>
      `See whether the resolvers in /etc/resolv.conf answer where the gateway runs (\`dig ${hostOf(subject.app)}\`); UDP and TCP port 53 must pass.${subject.seen.deadline ? ` The timer that fired is ${setting(subject, "resolve")}.` : ""}`,
  },
  "connect-refused": {
    plain: "The application does not accept connections.",
    exact: ({ seen, app }) => `${app} refused the connection${code(seen)}${after(seen)}.`,
    fix: ({ app }) =>
      app.startsWith("unix:")
        ? "The socket file is there but nobody listens on it: start the application, or remove the stale file and start it."
        : `Nothing listens there: see whether the application runs, and on which address (\`ss -ltnp\` on its host). One that listens on 127.0.0.1 cannot be reached from another host or container; one that listens on IPv4 alone not through ::1.`,
  },
  "connect-timeout": {
    plain: "The application's server did not answer.",
    exact: ({ seen, app }) =>
      `${app} did not answer the connection${seen.deadline ? within(seen) : after(seen)}${code(seen)}.`,
    fix: (subject) =>
      `Packets are dropped on the way: look for a firewall, a security group or a network policy between the gateway and the address, for a wrong address, or for a host that is down or overwhelmed. A longer ${setting(subject, "connect")} seldom helps: a server that answers at all does so in milliseconds.`,
  },
  "network-unreachable": {
    plain: "The network to the application's server is not available.",
    exact: ({ seen, app }) => `There is no way to ${app}${code(seen)}${after(seen)}.`,
    fix: ({ app }) =>
      app.startsWith("[")
        ? "The gateway's machine or container may have no IPv6: give the endpoint an IPv4 address, or give the machine IPv6. Else look at the routes (`ip -6 route get ADDRESS`)."
        : `Look at the route to it where the gateway runs (\`ip route get ${hostOf(app)}\`). Containers must share a network; a firewall that rejects looks the same.`,
  },
  "connect-permission-denied": {
    plain: "The gateway may not reach the application.",
    exact: ({ seen, app }) => `The gateway may not connect to ${app}${code(seen)}.`,
    fix: ({ app }) =>
      app.startsWith("unix:")
        ? "Give the gateway's user the right to write to the socket (its owner, group and mode) and to enter each directory above it."
        : "The system forbids it: an SELinux rule (`ausearch -m avc`), an AppArmor profile, a seccomp filter, or a firewall rule for outgoing packets.",
  },
  "socket-missing": {
    plain: "The application is not there.",
    exact: ({ seen, app }) => `The socket ${app} does not exist${code(seen)}.`,
    fix: () =>
      "Start the application, or compare the path with the one in its own configuration. In containers the directory of the socket must be shared; services with PrivateTmp= have a /tmp of their own.",
  },
  "no-healthy-upstream": {
    plain: "No server of the application is available at the moment.",
    exact: ({ upstream, context, seen }) =>
      seen.deadline === "hold"
        ? `No endpoint of ${upstream} came back${within(seen)} while the request waited${objection(seen)}.`
        : `No endpoint of ${upstream} is usable${(context.attempts ?? 0) > 0 ? ` (${context.attempts} tried)` : ""}${objection(seen)}.`,
    fix: (subject) =>
      `See why each endpoint of ${subject.upstream} is out: the failures before this one have its cause; endpoints marked down stay out until the configuration changes.${subject.seen.deadline === "hold" ? ` If its restarts take longer than that, raise ${upstreamSetting(subject, "hold.for")}.` : ""}`,
  },
  "pool-exhausted": {
    plain: "The application is busy: no connection to it is free.",
    exact: (subject) =>
      subject.seen.deadline === "queue"
        ? `No place at ${subject.upstream} became free${within(subject.seen)}.`
        : `Every endpoint of ${subject.upstream} is at its limit of connections or requests${objection(subject.seen)}.`,
    fix: (subject) =>
      `If the application has room for more, raise ${upstreamSetting(subject, "limits.connections")} (or limits.requests); if it has not, it needs more endpoints or faster answers. The limit is there to protect it.`,
  },
  "backend-absent": {
    plain: "No application is set up behind this address.",
    exact: ({ upstream }) => `${capital(upstream)} has no endpoints.`,
    fix: (subject) => `Add an address under ${upstreamSetting(subject, "endpoints")}, or deploy what was to be there.`,
  },
  "tunnel-disconnected": {
    plain: "The tunnel to the application is not connected.",
    exact: ({ seen, app }) => `The tunnel to ${app} is not connected${objection(seen)}.`,
    fix: () => "Start the tunnel's connector on the application's side, and see in its log why it left.",
  },
  "tls-handshake-failed": {
    plain: "No secure connection to the application could be made.",
    exact: ({ seen, app }) => {
      if (seen.tlsAlert !== undefined)
        return `${app} broke off the TLS handshake with ${alert(seen.tlsAlert)}${code(seen)}.`;
      if (seen.deadline === "tls") return `${app} did not finish the TLS handshake${within(seen)}.`;
      if (seen.closedBy) return `${app} ${ended(seen)} the connection in the TLS handshake${code(seen)}.`;
      return `The TLS handshake with ${app} failed${code(seen)}.`;
    },
    fix: (subject) => {
      const { seen, app } = subject;
      const known = seen.tlsAlert === undefined ? undefined : ALERT_FIXES[seen.tlsAlert];
      if (known) return known;
      if (seen.deadline === "tls")
        return `Something accepts connections there but does not speak TLS, or is overloaded. The timer that fired is ${setting(subject, "tls")}.`;
      return `See what it says to \`openssl s_client -connect ${app} -servername NAME\`, with and without -servername: mostly the SNI name (tls.server-name), the TLS version, or a client certificate that it wants.`;
    },
  },
  "tls-plaintext-mismatch": {
    plain: "The gateway and the application do not agree on encryption.",
    exact: ({ seen, app }) =>
      seen.tlsCode === undefined
        ? `${app} sent TLS over a connection that is to be plain HTTP.`
        : `${app} does not speak TLS on this port${code(seen)}.`,
    fix: ({ seen }) =>
      seen.tlsCode === undefined
        ? "Speak TLS to it: https:// in the address, or tls under the upstream. Else use its plain port."
        : "Speak plain HTTP to it: http:// in the address, no tls under the upstream. Else use its TLS port (443 or 8443 rather than 80 or 8080).",
  },
  "tls-cert-untrusted": {
    plain: "The application's certificate is not trusted.",
    exact: ({ seen, app }) => `The certificate of ${app} is not trusted${code(seen)}.`,
    fix: ({ seen }) =>
      seen.tlsCode === "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
        ? "It sends its own certificate without the intermediate: let it send the full chain (fullchain.pem). With a private CA, name that in tls.ca."
        : "If the certificate is self-signed or from a private CA, name that CA in tls.ca. Turning verification off (tls.verify) gives up the protection that TLS is for.",
  },
  "tls-cert-expired": {
    plain: "The application's certificate is not valid at this time.",
    exact: ({ seen, app }) =>
      `The certificate of ${app} ${seen.tlsCode === "CERT_NOT_YET_VALID" ? "is not valid yet" : "has expired"}${code(seen)}.`,
    fix: ({ app }) =>
      `Renew it on ${app} and let the server load it; find out why the renewal did not run. If the date looks right, see whether the gateway's clock is.`,
  },
  "tls-cert-name-mismatch": {
    plain: "The application's certificate is for another name.",
    exact: ({ seen, app }) => `The certificate of ${app} is for another name${objection(seen)}${code(seen)}.`,
    fix: () =>
      "Set tls.server-name to a name that the certificate carries: it is sent as SNI and checked. If no name fits, the server needs another certificate.",
  },
} as const satisfies Record<string, Description>;

/** The host of "10.0.0.1:3000", for a command line. */
function hostOf(app: string): string {
  const host = /^\[([^\]]+)\]|^([\w.-]+?)(?::\d+)?$/.exec(app);
  return host?.[1] ?? host?.[2] ?? "HOST";
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
