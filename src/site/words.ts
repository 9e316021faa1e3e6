// How the reference names things to a reader: products, phases, faults, retries. Runs in a browser too.

import type { Confidence } from "../explain/explanation.ts";
import { CAUSES, type CauseId, type Fault, isCauseId, type Phase, type RetrySafety } from "../failure/causes.ts";
import type { EntryClass, PseudoClass } from "../knowledge/entry.ts";

const SOFTWARE: Readonly<Record<string, string>> = {
  alb: "AWS ALB",
  apache: "Apache httpd",
  "apache-traffic-server": "Apache Traffic Server",
  apigw: "AWS API Gateway",
  "api-gateway": "AWS API Gateway",
  aspnet: "ASP.NET",
  "aws-alb": "AWS ALB",
  "aws-nlb": "AWS NLB",
  "aws-api-gateway": "AWS API Gateway",
  azure: "Azure",
  caddy: "Caddy",
  cloudflare: "Cloudflare",
  cloudfront: "CloudFront",
  curl: "curl",
  docker: "Docker",
  dotnet: ".NET",
  envoy: "Envoy",
  fastly: "Fastly",
  gcp: "Google Cloud",
  go: "Go",
  goodgate: "Goodgate",
  grpc: "gRPC",
  gunicorn: "gunicorn",
  haproxy: "HAProxy",
  heroku: "Heroku",
  "http-proxy": "http-proxy",
  iis: "IIS",
  "ingress-nginx": "ingress-nginx",
  istio: "Istio",
  java: "Java",
  kong: "Kong",
  kubernetes: "Kubernetes",
  linux: "Linux",
  netlify: "Netlify",
  nginx: "nginx",
  ngrok: "ngrok",
  nlb: "AWS NLB",
  node: "Node.js",
  openssl: "OpenSSL",
  php: "PHP",
  "php-fpm": "PHP-FPM",
  puma: "Puma",
  python: "Python",
  systemd: "systemd",
  traefik: "Traefik",
  uvicorn: "Uvicorn",
  undici: "undici",
  uwsgi: "uWSGI",
  varnish: "Varnish",
  vercel: "Vercel",
  vite: "Vite",
  webpack: "webpack",
};

/** "haproxy" → "HAProxy"; a slug that is not listed gets a capital letter. */
export function softwareName(slug: string): string {
  return (
    SOFTWARE[slug] ??
    slug
      .split("-")
      .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
      .join(" ")
  );
}

/** What a visitor of the reference looks for first: on which part of the way it broke. */
export interface Layer {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly phases: readonly Phase[];
}

export const LAYERS: readonly Layer[] = [
  {
    id: "client",
    title: "Client",
    about: "The request never got past the side that sent it.",
    phases: ["client"],
  },
  {
    id: "gateway",
    title: "Gateway and its configuration",
    about: "The gateway refused, looped, had no route or ran out of something.",
    phases: ["config", "gateway"],
  },
  {
    id: "network",
    title: "The way to the upstream",
    about: "Name, connection, pool or TLS: no byte of the request was sent.",
    phases: ["dns", "connect", "pool", "tls"],
  },
  {
    id: "answer",
    title: "Request sent, answer broken",
    about: "The upstream had the request, and its answer was missing, late, cut or not HTTP.",
    phases: ["write", "response-head", "response-body", "upgrade"],
  },
  {
    id: "application",
    title: "The application itself",
    about: "The process crashed, was killed, was full or was not ready.",
    phases: ["upstream"],
  },
];

/** The layer that a cause belongs to. */
export function layerOf(cause: CauseId): Layer {
  return LAYERS.find(({ phases }) => phases.includes(CAUSES[cause].phase))!;
}

export const PHASE_NAMES: Readonly<Record<Phase, string>> = {
  client: "the client's side",
  config: "configuration",
  gateway: "in the gateway",
  dns: "DNS lookup",
  connect: "TCP connect",
  pool: "choice of an endpoint",
  tls: "TLS handshake",
  write: "sending the request",
  "response-head": "waiting for the response head",
  "response-body": "reading the response body",
  upgrade: "protocol upgrade",
  upstream: "in the application",
};

const FAULT_NAMES: Readonly<Record<Fault, string>> = {
  client: "client",
  config: "configuration",
  gateway: "gateway",
  network: "network",
  upstream: "upstream",
};

/** "upstream or configuration". */
export function faultWords(faults: readonly Fault[]): string {
  const names = faults.map((fault) => FAULT_NAMES[fault]);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

export const RETRY_WORDS: Readonly<Record<RetrySafety, string>> = {
  always: "safe: no application saw the request",
  "if-idempotent": "only if the request may run twice",
  "after-delay": "after a delay",
  no: "does not help",
};

const PSEUDO_TITLES: Readonly<Record<PseudoClass, string>> = {
  "status-only-502": "Only the status is known",
  "not-an-error": "Not an error",
  unknown: "Says too little",
};

/** What a class is called. */
export function className(of: EntryClass): string {
  return isCauseId(of) ? CAUSES[of].title : PSEUDO_TITLES[of];
}

export const CONFIDENCE_WORDS: Readonly<Record<Confidence, string>> = {
  proven: "Proven: the text itself says it",
  likely: "Likely: the usual meaning of these words",
  possible: "Possible: one of several",
  none: "No cause known from this text",
};

/** Classes of status codes. */
export const STATUS_CLASSES: readonly { readonly digit: number; readonly title: string; readonly about: string }[] = [
  { digit: 1, title: "1xx Informational", about: "The answer is still to come." },
  { digit: 2, title: "2xx Success", about: "The request was understood and done." },
  { digit: 3, title: "3xx Redirection", about: "The answer is elsewhere, or the copy at hand still holds." },
  { digit: 4, title: "4xx Client error", about: "The request is at fault, in the eyes of who answered." },
  { digit: 5, title: "5xx Server error", about: "The request may be fine; a server or a gateway could not do it." },
  { digit: 6, title: "6xx and above", about: "In no standard; some products use them in logs." },
];
