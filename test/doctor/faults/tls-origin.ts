// Faults of TLS between a gateway and what is behind it.
import type { TlsOptions } from "node:tls";
import { makeCertificateChain } from "../../../src/lab/certificates.ts";
import { certificates } from "../../../src/lab/faults-listen.ts";
import type { Expected, FaultCase } from "../case.ts";
import { hello } from "../chain.ts";
import { goodgate, haproxy, nginx } from "../programs.ts";
import { ask, haproxySite, nginxSite } from "../shapes.ts";

interface Behind {
  readonly name: string;
  readonly fault: string;
  readonly expect: Expected;
  readonly tls: () => TlsOptions;
  /** Lines of nginx's location. */
  readonly location?: string;
  /** What is trusted; the lab's CA. */
  readonly ca?: string;
  readonly log?: boolean;
}

const VERIFY = "proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on;";

/** nginx that verifies an application which speaks TLS. */
function nginxBefore({ name, fault, expect, tls, location = VERIFY, ca, log = true }: Behind): FaultCase {
  return {
    name: `tls-origin/${name}`,
    chain: "nginx > Node (TLS)",
    fault: `${fault}; nginx.conf${log ? " and logs" : ""} given`,
    needs: ["nginx"],
    expect,
    build: async (chain) => {
      const app = await chain.app(hello, { tls: tls() });
      const trusted = `proxy_ssl_trusted_certificate ${chain.file("upstream-ca.pem", ca ?? certificates().ca)};`;
      const edge = await nginx(chain, nginxSite([app], { scheme: "https", location: `${location} ${trusted}` }));
      return ask(chain, edge, { config: true, ...(log ? { log: true } : {}), at: [app.address] });
    },
  };
}

const SHORT = makeCertificateChain();

export const TLS_ORIGIN: readonly FaultCase[] = [
  nginxBefore({
    name: "expired",
    fault: "the application's certificate has expired",
    expect: { class: "tls-cert-expired", atLeast: "likely" },
    tls: () => certificates().expired,
  }),
  nginxBefore({
    name: "expired-config-only",
    fault: "the application's certificate has expired",
    expect: { class: "tls-cert-expired", atLeast: "likely" },
    tls: () => certificates().expired,
    log: false,
  }),
  nginxBefore({
    name: "self-signed",
    fault: "the application's certificate signs itself",
    expect: { class: "tls-cert-untrusted", atLeast: "likely" },
    tls: () => certificates().selfSigned,
  }),
  nginxBefore({
    name: "wrong-name",
    fault: "the application's certificate is for another name",
    expect: { class: "tls-cert-name-mismatch", atLeast: "likely" },
    tls: () => certificates().wrongName,
  }),
  nginxBefore({
    name: "incomplete-chain",
    fault: "the application does not send the intermediate certificate",
    expect: { class: "tls-cert-untrusted", atLeast: "likely" },
    tls: () => SHORT.short,
    ca: SHORT.root,
  }),
  nginxBefore({
    name: "version-mismatch",
    fault: "nginx speaks TLS 1.2, the application 1.3 only",
    expect: { class: "tls-handshake-failed", atLeast: "likely" },
    tls: () => ({ ...certificates().good, minVersion: "TLSv1.3" }),
    location: `proxy_ssl_protocols TLSv1.2; ${VERIFY}`,
  }),
  nginxBefore({
    name: "client-certificate-wanted",
    fault: "the application wants a client certificate, nginx has none",
    expect: { class: "tls-handshake-failed", also: ["closed-before-response"], atLeast: "likely" },
    tls: () => ({ ...certificates().good, ca: certificates().ca, requestCert: true, rejectUnauthorized: true }),
  }),
  {
    name: "tls-origin/sni-missing",
    chain: "nginx > nginx (TLS, SNI only)",
    fault: "the origin needs SNI, proxy_ssl_server_name is off; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "tls-handshake-failed", atLeast: "likely" },
    build: async (chain) => {
      const port = await chain.freePort();
      const reject = `server { listen 127.0.0.1:${port} ssl default_server; ssl_reject_handshake on; }`;
      const site = nginxSite([await chain.app()]).replace(/server_name .*;/, "server_name localhost;");
      const origin = await nginx(chain, site + reject, { tls: certificates().good, port, name: "origin" });
      const edge = await nginx(chain, nginxSite([origin], { scheme: "https" }));
      return ask(chain, edge, { config: true, log: true, host: "localhost", at: [origin.address] });
    },
  },
  {
    name: "tls-origin/https-to-plain-port",
    chain: "nginx > Node",
    fault: "proxy_pass says https, the application speaks plain HTTP; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "tls-plaintext-mismatch", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app();
      return ask(chain, await nginx(chain, nginxSite([app], { scheme: "https" })), { config: true, at: [app.address] });
    },
  },
  {
    name: "tls-origin/https-to-plain-port-log",
    chain: "nginx > Node",
    fault: "proxy_pass says https, the application speaks plain HTTP; only logs given",
    needs: ["nginx"],
    expect: { class: "tls-plaintext-mismatch", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app();
      return ask(chain, await nginx(chain, nginxSite([app], { scheme: "https" })), { log: true, at: [app.address] });
    },
  },
  {
    name: "tls-origin/http-to-tls-port",
    chain: "nginx > Node (TLS)",
    fault: "proxy_pass says http, the application speaks TLS; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "tls-plaintext-mismatch", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(hello, { tls: certificates().good });
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "tls-origin/http-to-nginx-tls-port",
    chain: "nginx > nginx (TLS) > Node",
    fault: "proxy_pass says http, the inner nginx speaks TLS and answers 400; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "tls-plaintext-mismatch", atLeast: "likely" },
    build: async (chain) => {
      const inner = nginxSite([await chain.app()]);
      const origin = await nginx(chain, inner, { tls: certificates().good, name: "origin" });
      return ask(chain, await nginx(chain, nginxSite([origin])), { config: true, at: [origin.address] });
    },
  },
  {
    name: "tls-origin/haproxy-unknown-ca",
    chain: "HAProxy > Node (TLS)",
    fault: "HAProxy does not know the CA of the application's certificate; haproxy.cfg given",
    needs: ["haproxy"],
    expect: { class: "tls-cert-untrusted", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(hello, { tls: certificates().untrusted });
      const server = `ssl verify required ca-file ${chain.file("ca.pem", certificates().ca)}`;
      const edge = await haproxy(chain, haproxySite([app], { server }));
      return ask(chain, edge, { config: true, log: true, at: [app.address, "app"] });
    },
  },
  {
    name: "tls-origin/goodgate-expired-url-only",
    chain: "Goodgate > Node (TLS)",
    fault: "the application's certificate has expired; only the URL given",
    expect: {
      class: "tls-cert-expired",
      also: ["tls-cert-untrusted", "tls-cert-name-mismatch"],
      atLeast: "possible",
    },
    build: async (chain) => {
      const app = await chain.app(hello, { tls: certificates().expired });
      const tls = { ca: chain.file("ca.pem", certificates().ca), "server-name": "localhost" };
      const app1 = { endpoints: [`https://${app.address}`], tls, hold: "off" };
      return ask(chain, await goodgate(chain, { upstreams: { app: app1 } }), { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "tls-origin/expired-origin-given",
    chain: "nginx > Node (TLS)",
    fault: "the origin's certificate has expired and nginx verifies; only the origin given",
    needs: ["nginx"],
    expect: { class: "tls-cert-expired", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(hello, { tls: certificates().expired });
      const trusted = `proxy_ssl_trusted_certificate ${chain.file("ca.pem", certificates().ca)};`;
      const edge = await nginx(chain, nginxSite([app], { scheme: "https", location: `${VERIFY} ${trusted}` }));
      const origins = [`https://${app.address}`];
      return ask(chain, edge, { origins, host: "localhost", ca: true, at: [app.address] });
    },
  },
];
