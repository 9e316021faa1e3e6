import { expect, test } from "vitest";
import { good, lowered } from "./proxy.fixture.ts";

const PAIR = "ssl_certificate a.pem; ssl_certificate_key a.key;";

/** TLS of a server with these lines. */
const tls = (lines: string, http = "") => good(`${http} server { listen 8443 ssl; ${lines} }`).servers!.servers[0]!.tls;

test("the standard", () => {
  expect(tls(PAIR)).toEqual({
    certificates: [{ cert: "/etc/nginx/a.pem", key: "/etc/nginx/a.key" }],
    passwordFile: null,
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: "HIGH:!aNULL:!MD5",
    preferServerCiphers: false,
    curves: "auto",
    dhparam: null,
    rejectHandshake: false,
    verifyClient: "off",
    verifyDepth: 1,
    clientCa: null,
    trustedCa: null,
    crl: null,
    sessionTimeoutMs: 300_000,
    sessionTickets: true,
    sessionTicketKeys: [],
    sessionCache: "none",
    alpn: ["http/1.1", "http/1.0", "http/0.9"],
    handshakeTimeoutMs: 60_000,
  });
});

test.each([
  [
    `${PAIR} ssl_certificate data:$host; ssl_certificate_key /b-$ssl_server_name.key;`,
    {
      certificates: [
        { cert: "/etc/nginx/a.pem", key: "/etc/nginx/a.key" },
        { cert: "data:{$host}", key: "/b-{$ssl_server_name}.key" },
      ],
    },
  ],
  [
    `${PAIR} ssl_verify_client optional_no_ca; ssl_client_certificate c; ssl_trusted_certificate /t; ssl_crl r; ssl_verify_depth 3;`,
    { verifyClient: "optional-no-ca", clientCa: "/etc/nginx/c", trustedCa: "/t", crl: "/etc/nginx/r", verifyDepth: 3 },
  ],
  [
    `${PAIR} ssl_session_cache builtin:100 shared:z:1m; ssl_session_timeout 1d; ssl_session_tickets off;`,
    { sessionCache: "shared", sessionTimeoutMs: 86_400_000, sessionTickets: false },
  ],
  [
    `${PAIR} ssl_session_cache off; ssl_session_ticket_key k1; ssl_session_ticket_key /k2;`,
    { sessionCache: "off", sessionTicketKeys: ["/etc/nginx/k1", "/k2"] },
  ],
  ["ssl_reject_handshake on;", { certificates: [], rejectHandshake: true }],
  [
    `${PAIR} ssl_conf_command Options SessionTicket,-ServerPreference; ssl_session_tickets off; ssl_prefer_server_ciphers on; ssl_conf_command Certificate o.crt; ssl_conf_command PrivateKey o.key;`,
    {
      sessionTickets: true,
      preferServerCiphers: false,
      certificates: [{ cert: "/etc/nginx/o.crt", key: "/etc/nginx/o.key" }],
    },
  ],
  [
    `${PAIR} ssl_conf_command Protocol "-ALL,TLSv1.1,TLSv1.3"; ssl_ciphers X; ssl_conf_command Ciphersuites Y;`,
    { protocols: ["TLSv1.1", "TLSv1.3"], ciphers: "Y:X" },
  ],
])("%s", (lines, expected) => {
  expect(tls(lines)).toMatchObject(expected);
});

test("a server may do without where the default server of its address has none, and refuses all", () => {
  const first = "server { listen 8443 ssl; ssl_reject_handshake on; }";
  const second = "server { listen 8443 ssl; server_name a; }";
  expect(good(`server { listen 8443 ssl; ${PAIR} } ${second}`).servers!.servers[1]!.tls).toBeNull();
  expect(lowered(`${first} ${second}`).told).toEqual([
    '[emerg] no "ssl_certificate" is defined for the "listen ... ssl" directive in nginx.conf:2',
  ]);
  expect(lowered(`${second} server { listen 8443 default_server ssl; ${PAIR} }`).told).toEqual([]);
  expect(lowered(`server { listen 8080; } ${first}`).told).toEqual([]);
});

test("a check that nobody makes is no check", () => {
  const { config, told } = lowered(`server { listen 8443 ssl; ${PAIR} ssl_ocsp on; ssl_stapling on; }`);
  expect(config).toBeNull();
  expect(told).toEqual([
    expect.stringMatching(/^\[emerg\] "ssl_ocsp" is not supported/),
    expect.stringMatching(/^\[warn\] "ssl_stapling" has no effect/),
  ]);
});
