import { expect, test } from "vitest";
import { read } from "./read.fixture.ts";

test("Envoy's access log as JSON", () => {
  const seen = read(
    '{"authority":"shop.example","bytes_sent":91,"duration":12,"method":"GET","path":"/x","request_id":"ab","response_code":503,"response_code_details":"no_healthy_upstream","response_flags":"UH,NR","start_time":"2026-05-12T09:01:02.123Z","upstream_cluster":"shop","upstream_host":null,"user_agent":"error"}',
  );
  expect(seen).toMatchObject({
    format: "envoy-json",
    benign: false,
    facts: {
      software: "envoy",
      host: "shop.example",
      status: 503,
      flags: ["UH", "NR"],
      upstreamName: "shop",
      requestId: "ab",
    },
    codes: ["http-status=503", "envoy-detail=no_healthy_upstream", "envoy-flag=UH", "envoy-flag=NR"],
    messages: [],
  });
});

test("Traefik's access log as JSON, nanoseconds included", () => {
  const seen = read(
    '{"ClientHost":"203.0.113.9","DownstreamStatus":502,"Duration":2345678,"OriginStatus":502,"RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"/cart","RouterName":"shop@docker","ServiceAddr":"10.0.0.7:3000","level":"info","msg":"","time":"2026-05-12T09:01:02Z"}',
  );
  expect(seen.format).toBe("traefik-json");
  expect(seen.facts).toMatchObject({
    status: 502,
    upstreamStatus: 502,
    upstream: "10.0.0.7:3000",
    path: "/cart",
    durations: { duration: 2.346 },
  });
});

test("Caddy's errors speak, its access log does not", () => {
  const request =
    '"request":{"client_ip":"203.0.113.9","method":"GET","host":"shop.example","uri":"/cart","headers":{"User-Agent":["502 error"]}}';
  const error = read(
    `{"level":"error","ts":1.5,"logger":"http.log.error.log0","msg":"dial tcp 10.0.0.7:3000: connect: connection refused",${request},"status":502,"err_id":"x7"}`,
  );
  expect(error.facts).toMatchObject({
    software: "caddy",
    client: "203.0.113.9",
    host: "shop.example",
    path: "/cart",
    status: 502,
    upstream: "10.0.0.7:3000",
    requestId: "x7",
  });
  expect(error.messages).toEqual(["dial tcp 10.0.0.7:3000: connect: connection refused"]);
  const line = read(
    `{"level":"error","ts":1.5,"logger":"http.log.access.log0","msg":"handled request",${request},"status":502}`,
  );
  expect(line).toMatchObject({ facts: { software: "caddy", status: 502 }, codes: ["http-status=502"] });
});

test("nginx's access log as JSON", () => {
  const seen = read(
    '{"time_iso8601":"2026-05-12T09:01:02+00:00","remote_addr":"203.0.113.9","request":"GET /cart HTTP/1.1","status":"504","upstream_addr":"10.0.0.7:3000, 10.0.0.8:3000","upstream_status":"502, 504","upstream_response_time":"0.001, 60.000"}',
  );
  expect(seen.facts).toMatchObject({
    client: "203.0.113.9",
    path: "/cart",
    status: 504,
    upstream: "10.0.0.8:3000",
    upstreamStatus: 504,
  });
  expect(seen.codes).toEqual(["http-status=504"]);
});

test("Google's load balancer", () => {
  const seen = read(
    '{\n  "jsonPayload": {"@type": "type.googleapis.com/x", "statusDetails": "failed_to_pick_backend"},\n  "httpRequest": {"requestMethod": "GET", "requestUrl": "https://shop.example/cart", "status": 502, "remoteIp": "203.0.113.9"}\n}',
  );
  expect(seen.codes).toEqual(["gcp-detail=failed_to_pick_backend", "http-status=502"]);
  expect(seen.facts).toMatchObject({ software: "gcp-lb", host: "shop.example", path: "/cart", status: 502 });
});

test("Goodgate names its cause itself", () => {
  const access =
    '{"time":"2026-11-21T09:17:00.123Z","requestId":"3f2a9c","client":"192.0.2.7","method":"GET","host":"shop.example","target":"/cart","status":502,"upstream":"app","endpoint":"10.0.0.7:3000","attempts":1,"cause":"connect-refused","phase":"connect","timings":{"connect":0,"total":12.5},"tries":[{"endpoint":"10.0.0.6:1","cause":"connect-timeout"}]}';
  expect(read(access)).toMatchObject({
    format: "goodgate-access",
    facts: {
      cause: "connect-refused",
      software: "goodgate",
      upstream: "10.0.0.7:3000",
      upstreamName: "app",
      status: 502,
      durations: { connect: 0, total: 12.5 },
    },
  });
  expect(read(access.replace('"connect-refused"', "null").replace('"status":502', '"status":200'))).toMatchObject({
    benign: true,
  });
  expect(
    read("12:01:33.123 502 connect-refused app/10.0.0.7:3000 GET shop.example/cart: the upstream refused [req 3f2a]"),
  ).toMatchObject({
    format: "goodgate-failure",
    facts: {
      cause: "connect-refused",
      upstreamName: "app",
      upstream: "10.0.0.7:3000",
      host: "shop.example",
      path: "/cart",
      requestId: "3f2a",
      status: 502,
    },
  });
  const problem = {
    type: "x",
    title: "x",
    status: 504,
    detail: "late",
    instance: "urn:x",
    cause: "response-timeout",
    phase: "response-head",
    requestId: "3f",
  };
  expect(read(JSON.stringify(problem, null, 2))).toMatchObject({
    format: "goodgate-problem",
    facts: { cause: "response-timeout", status: 504 },
  });
  expect(read('{"cause":"made-up","requestId":"1","status":502}').facts.cause).toBeUndefined();
});

test("names that objects inherit are no fields", () => {
  const seen = read('{"constructor":"x","toString":"y","__proto__":"z","level":"constructor","msg":"hello there"}');
  expect(seen.facts).toEqual({ level: "constructor" });
  expect(seen.messages).toEqual(["hello there"]);
});

test.each([
  ["502", ["http-status=502"]],
  ["HTTP 504", ["http-status=504"]],
  ["H12", ["heroku-code=H12"]],
  ["SH--", ["haproxy-state=SH--", "haproxy-state=SH"]],
  ["sC", ["haproxy-state=sC"]],
  ["UF", ["envoy-flag=UF"]],
  ["UF,URX", ["envoy-flag=UF", "envoy-flag=URX"]],
  ["1016", ["cloudflare-error=1016"]],
  ["522", ["http-status=522", "cloudflare-error=522"]],
  ["AH01102", ["apache-code=AH01102"]],
  ["ECONNREFUSED", ["errno=ECONNREFUSED", "node-code=ECONNREFUSED"]],
  ["UND_ERR_SOCKET", ["node-code=UND_ERR_SOCKET"]],
  ["111", ["errno=ECONNREFUSED"]],
  ["52", ["curl-code=52", "exit-code=52"]],
  ["137", ["exit-code=137"]],
  ["502.3", ["iis-substatus=502.3"]],
  ["OOMKilled", ["k8s-reason=OOMKilled"]],
  ["Target.Timeout", ["alb-error=Target.Timeout"]],
  ["OriginConnectError", ["cloudfront-result=OriginConnectError"]],
  ["failed_to_pick_backend", ["gcp-detail=failed_to_pick_backend", "proxy-status=failed_to_pick_backend"]],
  [
    "upstream_reset_before_response_started{connection_termination}",
    ["envoy-detail=upstream_reset_before_response_started"],
  ],
  ["ERR_NGROK_8012", ["ngrok-error=ERR_NGROK_8012"]],
])("%s alone", (text, codes) => {
  const seen = read(text);
  for (const code of codes) expect(seen.codes).toContain(code);
  expect(seen.format).toBe(null);
  expect(seen.benign).toBe(false);
});

test("a number that can be no status is none", () => {
  expect(read("502502").codes).toEqual([]);
  expect(read("999").codes).not.toContain("http-status=999");
  expect(read("hello").codes).toEqual([]);
});

test("Goodgate's failure log without an endpoint: the upstream's name, and the endpoint that the words are about", () => {
  const seen = read(
    '17:12:36.849 503 no-healthy-upstream app GET 127.0.0.1:8080/cart: No endpoint of upstream "app" came back within 5 s while the request waited: 10.0.0.7:3000 refused a connection (ECONNREFUSED) [req 56b4]',
  );
  expect(seen).toMatchObject({
    format: "goodgate-failure",
    facts: { cause: "no-healthy-upstream", upstreamName: "app", upstream: "10.0.0.7:3000", host: "127.0.0.1:8080" },
  });
});
