import { expect, test } from "vitest";
import type { Facts } from "../explanation.ts";
import { read } from "./read.fixture.ts";

interface Case {
  readonly text: string;
  readonly format: string | null;
  readonly facts: Facts;
  readonly codes?: readonly string[];
  readonly messages?: readonly string[];
  readonly benign?: boolean;
}

const ALB =
  'http 2026-03-02T10:15:04.186641Z app/shop/50dc 203.0.113.9:2817 10.0.0.7:80 0.001 4.205 -1 502 - 94 326 "GET http://shop.example:80/cart HTTP/1.1" "curl/8 502" - - arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/73e2 "Root=1-58" "-" "-" 0 2026-03-02T10:15:00.0Z "forward" "-"';

const clouds: Case[] = [
  {
    text: `${ALB} "-" "10.0.0.7:80" "-" "-" "-"`,
    format: "aws-alb-access",
    facts: {
      software: "aws-alb",
      client: "203.0.113.9:2817",
      upstream: "10.0.0.7:80",
      upstreamName: "web",
      status: 502,
      host: "shop.example",
      path: "/cart",
      requestId: "1-58",
      durations: { request_processing_time: 1, target_processing_time: 4205, response_processing_time: -1 },
    },
    codes: ["http-status=502"],
    messages: [],
  },
  {
    text: `${ALB} "LambdaInvalidResponse" "-" "-" "-" "-"`,
    format: "aws-alb-access",
    facts: {},
    codes: ["http-status=502", "alb-error=LambdaInvalidResponse"],
  },
  {
    text: '2026-03-02T10:15:04.186641Z shop-lb 203.0.113.9:2817 10.0.0.7:80 0.000073 -1 -1 504 0 0 0 "GET http://shop.example:80/ HTTP/1.1" "curl/8" - -',
    format: "aws-clb-access",
    facts: {
      software: "aws-clb",
      time: "2026-03-02T10:15:04.186641Z",
      upstream: "10.0.0.7:80",
      status: 504,
      durations: { backend_processing_time: -1 } as Record<string, number>,
    },
  },
  {
    text: "tls 2.0 2026-03-02T10:15:04 net/shop/c6e7 g3d4 203.0.113.9:51341 10.0.0.7:443 5 2 98 246 48 arn:x - ECDHE-RSA-AES128-SHA tlsv12 - shop.example h2 h2 -",
    format: "aws-nlb-access",
    facts: { software: "aws-nlb", side: "client" },
    codes: ["tls-alert=48"],
  },
  {
    text: "2026-03-02\t10:15:04\tFRA56-P2\t1045\t203.0.113.9\tGET\td111.cloudfront.net\t/cart\t502\t-\tcurl/8\t-\t-\tError\tabc==\tshop.example\thttps\t120\t0.123\t-\tTLSv1.3\tTLS_AES\tError\tHTTP/2.0\t-\t-\t5555\t0.123\tOriginConnectError\ttext/html\t1045\t-\t-",
    format: "cloudfront-access",
    facts: { status: 502, host: "shop.example", path: "/cart" },
    codes: ["http-status=502", "cloudfront-result=OriginConnectError"],
  },
  {
    text: 'heroku[router]: at=error code=H12 desc="Request timeout" method=GET path="/h?code=H99" host=shop.example request_id=cfda fwd="203.0.113.9,10.0.0.1" dyno=web.1 connect=1ms service=30000ms status=503 bytes=0 protocol=https',
    format: "heroku-router",
    facts: {
      level: "error",
      path: "/h?code=H99",
      client: "203.0.113.9",
      upstreamName: "web.1",
      durations: { connect: 1, service: 30000 },
      status: 503,
      requestId: "cfda",
    },
    codes: ["heroku-code=H12", "http-status=503"],
    messages: ["Request timeout"],
  },
  {
    text: "2012-01-20T02:10:47+00:00 heroku[router]: Error H12 (Request timeout) -> POST shop.example/autoprovision/58 dyno=web.1 queue= wait= service=30000ms status=503 bytes=0",
    format: "heroku-router",
    facts: { method: "POST", host: "shop.example", path: "/autoprovision/58", status: 503 },
    codes: ["http-status=503", "heroku-code=H12"],
  },
  {
    text: "heroku[web.1]: Error R14 (Memory quota exceeded)",
    format: "heroku-runtime",
    facts: { upstreamName: "web.1" },
    codes: ["heroku-code=R14"],
  },
  { text: "heroku[web.1]: State changed from starting to up", format: "heroku-runtime", facts: {}, benign: true },
  {
    text: 'heroku[router]: at=info method=GET path="/" host=a.example dyno=web.1 status=200 bytes=9',
    format: "heroku-router",
    facts: { status: 200 },
    benign: true,
  },
  {
    text: "2026-05-12T09:01:02.1+00:00 app[web.2]: Error: connect ECONNREFUSED 127.0.0.1:5432",
    format: "heroku-app",
    facts: { upstreamName: "web.2", upstream: "127.0.0.1:5432", errno: "ECONNREFUSED" },
  },
  {
    text: "504: GATEWAY_TIMEOUT\nCode: FUNCTION_INVOCATION_TIMEOUT\nID: fra1::lwfvf-1702001564825-665514977cb1",
    format: "error-page",
    facts: { software: "vercel", status: 504, requestId: "fra1::lwfvf-1702001564825-665514977cb1" },
    codes: ["http-status=504", "vercel-code=GATEWAY_TIMEOUT", "vercel-code=FUNCTION_INVOCATION_TIMEOUT"],
  },
  {
    text: "2026-01-01 00:00:00 10.0.0.1 GET /cart - 443 - 203.0.113.1 curl/8 - 502 3 12029 120",
    format: "iis-access",
    facts: { software: "iis", status: 502, path: "/cart", durations: { "time-taken": 120 } },
    codes: ["http-status=502", "iis-substatus=502.3"],
  },
  {
    text: "HTTP Error 502.3 - Bad Gateway\nThere was a connection error while trying to route the request.",
    format: "error-page",
    facts: { software: "iis", status: 502 },
  },
];

const page = (title: string, below: string): string =>
  `<!DOCTYPE html>\n<html><head><title>${title}</title></head>\n<body>\n<center><h1>${title}</h1></center>\n<hr><center>${below}</center>\n</body></html>`;

const pages: Case[] = (
  [
    [page("502 Bad Gateway", "nginx/1.25.3"), { software: "nginx", version: "1.25.3", status: 502 }],
    [page("504 Gateway Time-out", "openresty"), { software: "openresty", status: 504 }],
    [page("502 Bad Gateway", "cloudflare"), { software: "cloudflare", status: 502 }],
    [page("502 Bad Gateway", "Microsoft-Azure-Application-Gateway/v2"), { software: "azure-appgw", status: 502 }],
    [
      "<html><head><title>502 Proxy Error</title></head><body><h1>Proxy Error</h1><p>The proxy server received an invalid\r\nresponse from an upstream server.<br />\r\nReason: <strong>Error reading from remote server</strong></p></body></html>",
      { software: "apache", status: 502 },
    ],
    [
      "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>",
      { software: "haproxy", status: 503 },
    ],
    [
      "<html><head><title>Error 503 Backend fetch failed</title></head><body><h1>Error 503 Backend fetch failed</h1><h3>Guru Meditation:</h3><p>XID: 1</p><hr><p>Varnish cache server</p></body></html>",
      { software: "varnish", status: 503 },
    ],
    [
      "<html><title>502 Server Error</title></head>\n<body><h1>Error: Server Error</h1>\n<h2>The server encountered a temporary error and could not complete your request.<p>Please try again in 30 seconds.</h2></body></html>",
      { software: "gcp-lb", status: 502 },
    ],
    [
      "<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>502 ERROR</H1><PRE>Generated by cloudfront (CloudFront)\nRequest ID: x==</PRE></BODY></HTML>",
      { software: "cloudfront", status: 502 },
    ],
    ["502 Bad Gateway\nnginx", { software: "nginx", status: 502 }],
    ["502 Bad Gateway", { status: 502 }],
    [
      "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
      { software: "envoy" },
    ],
  ] as [string, Facts][]
).map(([text, facts]) => ({ text, facts, format: text.includes("\n") || text.startsWith("<") ? "error-page" : null }));

const heads: Case[] = [
  {
    text: "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 91\r\ncontent-type: text/plain\r\nserver: envoy\r\n\r\nupstream connect error or disconnect/reset before headers. reset reason: connection failure",
    format: "http-head",
    facts: { status: 503, software: "envoy" },
    codes: ["http-status=503"],
  },
  {
    text: "* Connected to shop.example (203.0.113.9) port 443\n> GET /cart HTTP/1.1\n> Host: shop.example\n> \n< HTTP/1.1 502 Bad Gateway\n< Server: cloudflare\n< CF-RAY: 8474a4f8ae261c1a-AMS\n< Proxy-Status: edge.example; error=connection_refused\n< \n* Connection #0 to host shop.example left intact",
    format: "http-head",
    facts: {
      status: 502,
      software: "cloudflare",
      requestId: "8474a4f8ae261c1a-AMS",
      host: "shop.example",
      path: "/cart",
    },
    codes: ["http-status=502", "proxy-status=connection_refused"],
  },
  {
    text: "server: awselb/2.0\ndate: Mon, 02 Mar 2026 10:15:04 GMT\ncontent-type: text/html",
    format: "http-head",
    facts: { software: "aws-alb", version: "2.0" },
    messages: ["server: awselb/2.0"],
  },
  { text: "HTTP/2 200 \nserver: nginx\n", format: "http-head", facts: { status: 200 } },
];

const kubernetes: Case[] = [
  {
    text: "Warning  Unhealthy              1s (x2 over 2s)  kubelet, node1     Readiness probe failed: Get http://10.233.64.92:8022/health: dial tcp 10.233.64.92:8022: connect: connection refused",
    format: "k8s-event",
    facts: { software: "kubernetes", upstream: "10.233.64.92:8022", level: "warn" },
    codes: ["k8s-reason=Unhealthy"],
    messages: [
      "Readiness probe failed: Get http://10.233.64.92:8022/health: dial tcp 10.233.64.92:8022: connect: connection refused",
    ],
  },
  {
    text: "LAST SEEN   TYPE      REASON    OBJECT          MESSAGE\n2m10s       Warning   BackOff   pod/web-5d9-x   Back-off restarting failed container web in pod web-5d9-x",
    format: "k8s-event",
    facts: {},
    codes: ["k8s-reason=BackOff"],
    messages: ["Back-off restarting failed container web in pod web-5d9-x"],
  },
  { text: "Normal   Pulled   5s   kubelet   Successfully pulled image", format: "k8s-event", facts: {}, benign: true },
  {
    text: "NAME                  READY   STATUS             RESTARTS       AGE\nweb-5d9c7b8f6-abcde   0/1     CrashLoopBackOff   5 (2m10s ago)  10m\napi-5d9c7b8f6-xxxxx   1/1     Running            0              3d",
    format: "k8s-pods",
    facts: { upstreamName: "web-5d9c7b8f6-abcde" },
    codes: ["k8s-reason=CrashLoopBackOff"],
  },
  {
    text: "api-5d9c7b8f6-xxxxx   1/1     Running            0              3d",
    format: "k8s-pods",
    facts: {},
    benign: true,
  },
  {
    text: "    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n      Started:      Thu, 12 Jan 2026 23:03:42 +0000\n    Ready:          False\n    Restart Count:  2",
    format: "k8s-describe",
    facts: { software: "kubernetes" },
    codes: ["k8s-reason=OOMKilled", "exit-code=137"],
  },
  {
    text: "    lastState:\n      terminated:\n        exitCode: 1\n        reason: Error",
    format: "k8s-describe",
    facts: {},
    codes: ["exit-code=1", "k8s-reason=Error"],
  },
  {
    text: "Name: shop\nSelector: app=shop\nEndpoints: <none>",
    format: "k8s-describe",
    facts: {},
    messages: ["Endpoints: <none>"],
  },
  {
    text: 'W0512 09:01:02.000000       7 controller.go:1107] Error obtaining Endpoints for Service "default/app": no object matching key "default/app" in local store',
    format: "klog",
    facts: { software: "ingress-nginx", level: "warn", pid: 7 },
  },
];

test.each([...clouds, ...pages, ...heads, ...kubernetes])("$format: $text", (each) => {
  const { format, facts, codes, messages, benign } = read(each.text);
  expect(format).toBe(each.format);
  expect(facts).toMatchObject(each.facts);
  if (each.codes) expect(codes).toEqual(each.codes);
  if (each.messages) expect(messages).toEqual(each.messages);
  if (each.format !== "http-head") expect(benign).toBe(each.benign ?? false);
});
