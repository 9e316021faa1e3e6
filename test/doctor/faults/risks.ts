// Configurations without anything alive: what in them leads to failures is a risk, and never a verdict. Names and
// addresses in them are of this machine or unknown to it.
import type { RiskCase } from "../case.ts";
import { askFiles } from "../shapes.ts";

interface Files {
  readonly name: string;
  readonly chain: string;
  readonly fault: string;
  readonly risk: RegExp;
  readonly files: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
}

function configs({ name, chain: words, fault, risk, files, more = [] }: Files): RiskCase {
  return {
    name: `risk/${name}`,
    chain: words,
    fault,
    risk,
    build: async (chain) =>
      askFiles(
        { configs: Object.entries(files).map(([file, text]) => chain.file(file, text)) },
        [],
        ["--no-local", ...more],
      ),
  };
}

const http = (text: string): string => `events {}\nhttp {\n${text}\n}\n`;
const PROXY = 'proxy_http_version 1.1; proxy_set_header Connection "";';

export const RISKS: readonly RiskCase[] = [
  configs({
    name: "keepalive-order",
    chain: "nginx > Node",
    fault: "nginx keeps idle connections for 60 s, the application for 5 s",
    risk: /keepalive-order|keepalive-race/,
    files: {
      "nginx.conf": http(
        `upstream app { server 127.0.0.1:3000; keepalive 32; keepalive_timeout 60s; }\n` +
          `server { listen 8080; location / { proxy_pass http://app; ${PROXY} } }`,
      ),
      "server.js":
        'const { createServer } = require("node:http");\nconst server = createServer((q, s) => s.end("hello"));\n' +
        "server.keepAliveTimeout = 5_000;\nserver.listen(3000);\n",
    },
  }),
  configs({
    name: "nginx-variable-no-resolver",
    chain: "nginx > (name)",
    fault: "proxy_pass with a variable and no resolver",
    risk: /resolver/,
    files: {
      "nginx.conf": http(
        'server { listen 8080; location / { set $backend "http://app.internal.test:3000"; proxy_pass $backend; } }',
      ),
    },
  }),
  configs({
    name: "haproxy-no-timeouts",
    chain: "HAProxy > application",
    fault: "no timeout connect, client and server",
    risk: /timeout/,
    files: {
      "haproxy.cfg":
        "frontend web\n  mode http\n  bind :8080\n  default_backend app\nbackend app\n  mode http\n  server app1 127.0.0.1:3000\n",
    },
  }),
  configs({
    name: "response-order",
    chain: "HAProxy > nginx > application",
    fault: "HAProxy waits for 10 s, nginx behind it for 60 s",
    risk: /response-order|response-timeout|timeout server/,
    files: {
      "haproxy.cfg":
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 10s\n  timeout server 10s\n" +
        "frontend web\n  bind :8080\n  default_backend nginx\nbackend nginx\n  server one 127.0.0.1:8081\n",
      "nginx.conf": http(
        "server { listen 127.0.0.1:8081; location / { proxy_pass http://127.0.0.1:3000; proxy_read_timeout 60s; } }",
      ),
    },
  }),
  configs({
    name: "sni-off",
    chain: "nginx > application (TLS)",
    fault: "an https upstream without proxy_ssl_server_name",
    risk: /server_name|sni/i,
    files: {
      "nginx.conf": http("server { listen 8080; location / { proxy_pass https://origin.example.com; } }"),
    },
  }),
  configs({
    name: "kubernetes-port",
    chain: "Ingress > Service > Deployment",
    fault: "targetPort is no port of the container",
    risk: /port/i,
    files: {
      "shop.yaml":
        "apiVersion: v1\nkind: Service\nmetadata: { name: shop }\nspec:\n  selector: { app: shop }\n" +
        "  ports: [{ port: 80, targetPort: 8080 }]\n---\napiVersion: apps/v1\nkind: Deployment\n" +
        "metadata: { name: shop }\nspec:\n  selector: { matchLabels: { app: shop } }\n  template:\n" +
        "    metadata: { labels: { app: shop } }\n    spec:\n      containers:\n" +
        "        - { name: shop, image: shop, ports: [{ containerPort: 3000 }] }\n",
    },
  }),
  configs({
    name: "chain-of-defaults",
    chain: "ALB > nginx > Node",
    fault: "only --chain: Node's 5 s of keep-alive behind the others' 60 s",
    risk: /keepalive-order|keepalive-race/,
    files: {},
    more: ["--chain", "alb > nginx > node"],
  }),
];
