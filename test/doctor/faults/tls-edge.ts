// Faults of TLS between the client and the outermost hop.
import type { Certificate } from "../../../src/lab/certificates.ts";
import { makeCertificateChain } from "../../../src/lab/certificates.ts";
import type { FaultName } from "../../../src/lab/faults.ts";
import { certificates } from "../../../src/lab/faults-listen.ts";
import type { Expected, FaultCase, Need } from "../case.ts";
import { caddy, haproxy, nginx } from "../programs.ts";
import { ask, haproxySite, nginxSite } from "../shapes.ts";

/** nginx with this certificate before an application that is well. */
function nginxWith(name: string, fault: string, expect: Expected, certificate: () => Certificate): FaultCase {
  return {
    name: `tls-edge/${name}`,
    chain: "nginx (TLS) > Node",
    fault,
    needs: ["nginx"],
    expect: { atLeast: "proven", ...expect },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]), { tls: certificate() });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: true });
    },
  };
}

/** A listener that does the handshake wrong. */
function handshake(name: string, fault: string, lab: FaultName, expect: Expected): FaultCase {
  return {
    name: `tls-edge/${name}`,
    chain: "TLS listener",
    fault,
    expect,
    build: async (chain) => ask(chain, await chain.fault(lab), { scheme: "https", host: "localhost", ca: true }),
  };
}

const failed: Expected = { class: "tls-handshake-failed", atLeast: "likely" };
const NGINX: readonly Need[] = ["nginx"];

export const TLS_EDGE: readonly FaultCase[] = [
  nginxWith("expired", "the certificate has expired", { class: "tls-cert-expired" }, () => certificates().expired),
  nginxWith("not-yet-valid", "the certificate is not valid yet", { class: "tls-cert-expired" }, () => {
    return certificates().notYetValid;
  }),
  nginxWith("self-signed", "the certificate signs itself", { class: "tls-cert-untrusted" }, () => {
    return certificates().selfSigned;
  }),
  nginxWith("unknown-ca", "the certificate is of a CA that nobody trusts", { class: "tls-cert-untrusted" }, () => {
    return certificates().untrusted;
  }),
  nginxWith("wrong-name", "the certificate is for another name", { class: "tls-cert-name-mismatch" }, () => {
    return certificates().wrongName;
  }),
  {
    name: "tls-edge/incomplete-chain",
    chain: "nginx (TLS) > Node",
    fault: "the intermediate certificate is not sent",
    needs: NGINX,
    expect: { class: "tls-cert-untrusted", atLeast: "proven" },
    build: async (chain) => {
      const { root, short } = makeCertificateChain();
      const edge = await nginx(chain, nginxSite([await chain.app()]), { tls: short });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: root });
    },
  },
  {
    name: "tls-edge/haproxy-expired",
    chain: "HAProxy (TLS) > Node",
    fault: "the certificate has expired",
    needs: ["haproxy"],
    expect: { class: "tls-cert-expired", atLeast: "proven" },
    build: async (chain) => {
      const edge = await haproxy(chain, haproxySite([await chain.app()]), { tls: certificates().expired });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: true, config: true });
    },
  },
  {
    name: "tls-edge/caddy-wrong-name",
    chain: "Caddy (TLS) > Node",
    fault: "the certificate is for another name",
    needs: ["caddy"],
    expect: { class: "tls-cert-name-mismatch", atLeast: "proven" },
    build: async (chain) => {
      const { cert, key } = certificates().wrongName;
      const files = `${chain.file("caddy/cert.pem", cert)} ${chain.file("caddy/key.pem", key)}`;
      const app = await chain.app();
      const edge = await caddy(chain, `https://{port} {\n  tls ${files}\n  reverse_proxy ${app.address}\n}`, {
        main: "default_sni other.lab.invalid",
      });
      return ask(chain, edge, { scheme: "https", ca: true });
    },
  },
  {
    name: "tls-edge/expired-origin-well",
    chain: "nginx (TLS) > Node; Node",
    fault: "the edge's certificate has expired, the origin that is given answers",
    needs: NGINX,
    expect: { class: "tls-cert-expired", atLeast: "proven" },
    build: async (chain) => {
      const app = await chain.app();
      const edge = await nginx(chain, nginxSite([app]), { tls: certificates().expired });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: true, origins: [`http://${app.address}`] });
    },
  },
  {
    name: "tls-edge/https-to-plain-port",
    chain: "nginx > Node",
    fault: "the URL says https, the port speaks plain HTTP",
    needs: NGINX,
    expect: { class: "tls-plaintext-mismatch", atLeast: "proven" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: true });
    },
  },
  {
    name: "tls-edge/http-to-tls-port",
    chain: "nginx (TLS) > Node",
    fault: "the URL says http, the port speaks TLS (nginx: 400)",
    needs: NGINX,
    expect: { class: "tls-plaintext-mismatch", atLeast: "proven" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]), { tls: certificates().good });
      return ask(chain, edge, { host: "localhost", ca: true });
    },
  },
  {
    name: "tls-edge/http-to-node-tls-port",
    chain: "Node (TLS)",
    fault: "the URL says http, the port speaks TLS (Node closes)",
    expect: { class: "tls-plaintext-mismatch", atLeast: "likely" },
    build: async (chain) => ask(chain, await chain.app(undefined, { tls: certificates().good })),
  },
  {
    name: "tls-edge/client-certificate-wanted",
    chain: "nginx (mTLS) > Node",
    fault: "the edge wants a client certificate (nginx: 400)",
    needs: NGINX,
    expect: { class: "tls-handshake-failed", also: ["request-denied", "client-request-invalid"], atLeast: "possible" },
    build: async (chain) => {
      const ca = chain.file("clients.pem", certificates().ca);
      const server = `ssl_verify_client on; ssl_client_certificate ${ca};`;
      const edge = await nginx(chain, nginxSite([await chain.app()], { server }), { tls: certificates().good });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: true });
    },
  },
  {
    name: "tls-edge/unknown-name",
    chain: "nginx (TLS) > Node",
    fault: "the edge knows no certificate for the name (ssl_reject_handshake)",
    needs: NGINX,
    expect: failed,
    build: async (chain) => {
      const site = nginxSite([await chain.app()]).replace(/server_name .*;/, "server_name localhost;");
      const port = await chain.freePort();
      const reject = `server { listen 127.0.0.1:${port} ssl default_server; ssl_reject_handshake on; }`;
      const again = await nginx(chain, site + reject, { tls: certificates().good, port });
      return ask(chain, again, { scheme: "https", host: "shop.test", ca: true });
    },
  },
  handshake("old-version", "only versions of TLS that are too old (alert 70)", "tls-old-version", failed),
  handshake("alert", "the handshake is refused (alert 40)", "tls-alert", failed),
  handshake("closed", "the connection is closed behind the ClientHello", "tls-close", failed),
  handshake("reset", "the connection is reset behind the ClientHello", "tls-reset", failed),
  handshake("silent", "no answer to the ClientHello", "tls-stall", failed),
];
