// Logs without anything alive: what failed yesterday. Addresses are of documentation ranges and are never dialled, since
// no configuration and no URL is given.
import type { Expected, FaultCase } from "../case.ts";
import { askFiles, nginxTime } from "../shapes.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

interface LogCase {
  readonly name: string;
  readonly chain: string;
  readonly fault: string;
  readonly expect: Expected;
  /** File name → its text. */
  readonly files: () => Record<string, string>;
  readonly at?: readonly string[];
}

function logs({ name, chain: words, fault, expect, files, at = [] }: LogCase): FaultCase {
  return {
    name: `log/${name}`,
    chain: words,
    fault: `${fault}; only the log of yesterday given`,
    expect,
    build: async (chain) => {
      const paths = Object.entries(files()).map(([file, text]) => chain.file(file, text));
      return askFiles({ logs: paths }, at);
    },
  };
}

const likely = (of: Expected["class"], ...also: Expected["class"][]): Expected => ({
  class: of,
  also,
  atLeast: "likely",
});

/** Lines of nginx's error log, a minute apart, yesterday; # counts. */
function nginxError(count: number, message: string, upstream: string, gapMs = MINUTE_MS): string {
  return Array.from({ length: count }, (_, index) => {
    const request = `client: 203.0.113.${(index % 200) + 1}, server: shop.test, request: "GET /cart/${index} HTTP/1.1"`;
    const where = `${request}, upstream: "${upstream}/cart/${index}", host: "shop.test"`;
    return `${nginxTime(DAY_MS - index * gapMs)} [error] 812#812: *${100 + index} ${message}, ${where}\n`;
  }).join("");
}

/** Lines of HAProxy's HTTP log. */
function haproxyLog(count: number, fields: string): string {
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(Date.now() - DAY_MS + index * MINUTE_MS);
    const month = at.toLocaleString("en", { month: "short" });
    const clock = at.toTimeString().slice(0, 8);
    const day = String(at.getDate()).padStart(2, "0");
    const stamp = `${day}/${month}/${at.getFullYear()}:${clock}.118`;
    return (
      `${month} ${day} ${clock} lb1 haproxy[812]: 203.0.113.${index + 1}:51012 [${stamp}] web app/app1 ${fields} ` +
      `"GET /cart/${index} HTTP/1.1"\n`
    );
  }).join("");
}

function albLog(count: number, times: string, statuses: string): string {
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(Date.now() - DAY_MS + index * MINUTE_MS).toISOString().replace("Z", "000Z");
    return (
      `https ${at} app/shop/50dc6c495c0c9188 203.0.113.${index + 1}:46532 192.0.2.7:3000 ${times} ${statuses} 120 315 ` +
      `"GET https://shop.test:443/cart HTTP/2.0" "Mozilla/5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ` +
      `arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 ` +
      `"Root=1-58337262-36d228ad5d99923122bbe354" "shop.test" "session-reused" 0 ${at} "forward" "-" "-" ` +
      `"192.0.2.7:3000" "${statuses.split(" ")[1]}" "-" "-"\n`
    );
  }).join("");
}

const UPSTREAM = "http://192.0.2.7:3000";
const AT = ["192.0.2.7:3000"];

export const OFFLINE: readonly FaultCase[] = [
  logs({
    name: "nginx-refused",
    chain: "nginx > application",
    fault: "the application was gone",
    expect: likely("connect-refused"),
    files: () => ({
      "error.log": nginxError(8, "connect() failed (111: Connection refused) while connecting to upstream", UPSTREAM),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-no-route",
    chain: "nginx > application",
    fault: "no route to the application's host",
    expect: likely("network-unreachable"),
    files: () => ({
      "error.log": nginxError(8, "connect() failed (113: No route to host) while connecting to upstream", UPSTREAM),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-read-timeout",
    chain: "nginx > application",
    fault: "the application was too slow",
    expect: likely("response-timeout"),
    files: () => ({
      "error.log": nginxError(
        8,
        "upstream timed out (110: Connection timed out) while reading response header from upstream",
        UPSTREAM,
      ),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-connect-timeout",
    chain: "nginx > application",
    fault: "SYNs were not answered",
    expect: likely("connect-timeout"),
    files: () => ({
      "error.log": nginxError(
        8,
        "upstream timed out (110: Connection timed out) while connecting to upstream",
        UPSTREAM,
      ),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-too-big-header",
    chain: "nginx > application",
    fault: "heads were larger than the buffer",
    expect: likely("response-header-too-large"),
    files: () => ({
      "error.log": nginxError(8, "upstream sent too big header while reading response header from upstream", UPSTREAM),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-one-bad-member",
    chain: "nginx > 3 × application",
    fault: "one of three members refused, requests went to all three",
    expect: likely("connect-refused"),
    files: () => ({
      "error.log": nginxError(20, "connect() failed (111: Connection refused) while connecting to upstream", UPSTREAM),
      "access.log": Array.from({ length: 60 }, (_, index) => {
        const at = new Date(Date.now() - DAY_MS + index * 20_000).toISOString().slice(0, 19);
        const bad = index % 3 === 0;
        const address = `192.0.2.${bad ? 7 : 7 + (index % 3)}:3000`;
        const statusPair = bad ? "502" : "200";
        return (
          `{"time":"${at}+00:00","request_method":"GET","request_uri":"/cart/${index}","status":${statusPair},` +
          `"upstream_addr":"${address}","upstream_status":"${statusPair}","request_time":0.002}\n`
        );
      }).join(""),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-no-live-upstreams",
    chain: "nginx > application",
    fault: "members refused, then nginx had none left",
    expect: likely("connect-refused", "no-healthy-upstream"),
    files: () => ({
      "error.log":
        nginxError(4, "connect() failed (111: Connection refused) while connecting to upstream", UPSTREAM, 1_000) +
        nginxError(12, "no live upstreams while connecting to upstream", "http://app", 1_000),
    }),
  }),
  logs({
    name: "nginx-premature-close",
    chain: "nginx > application",
    fault: "the application closed before an answer",
    expect: likely("closed-before-response", "keepalive-race"),
    files: () => ({
      "error.log": nginxError(
        8,
        "upstream prematurely closed connection while reading response header from upstream",
        UPSTREAM,
      ),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-certificate-expired",
    chain: "nginx > application (TLS)",
    fault: "the application's certificate had expired",
    expect: likely("tls-cert-expired"),
    files: () => ({
      "error.log": nginxError(
        8,
        "upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream",
        "https://192.0.2.7:3000",
      ),
    }),
    at: AT,
  }),
  logs({
    name: "nginx-oom-killed",
    chain: "nginx > Node",
    fault: "the kernel killed the application for memory, then nothing listened",
    expect: likely("oom-killed", "connect-refused"),
    files: () => {
      const at = new Date(Date.now() - DAY_MS - 2_000);
      const month = at.toLocaleString("en", { month: "short" });
      const stamp = `${month} ${String(at.getDate()).padStart(2, " ")} ${at.toTimeString().slice(0, 8)}`;
      return {
        "error.log":
          nginxError(
            1,
            "recv() failed (104: Connection reset by peer) while reading response header from upstream",
            UPSTREAM,
          ) + nginxError(9, "connect() failed (111: Connection refused) while connecting to upstream", UPSTREAM, 1_000),
        "kern.log":
          `${stamp} web1 kernel: [88123.441] node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n` +
          `${stamp} web1 kernel: [88123.442] Out of memory: Killed process 2211 (node) total-vm:4811300kB, ` +
          "anon-rss:3911300kB, file-rss:0kB, shmem-rss:0kB, UID:33 pgtables:8000kB oom_score_adj:0\n",
      };
    },
  }),
  logs({
    name: "gunicorn-worker-timeout",
    chain: "nginx > gunicorn",
    fault: "gunicorn killed slow workers",
    expect: likely("worker-timeout"),
    files: () => {
      const at = new Date(Date.now() - DAY_MS).toISOString().slice(0, 19).replace("T", " ");
      return {
        "error.log": nginxError(
          4,
          "upstream prematurely closed connection while reading response header from upstream",
          UPSTREAM,
        ),
        "gunicorn.log": [1, 2, 3, 4]
          .map(
            (pid) =>
              `[${at} +0000] [77] [CRITICAL] WORKER TIMEOUT (pid:${900 + pid})\n` +
              `[${at} +0000] [77] [WARNING] Worker with pid ${900 + pid} was terminated due to signal 9\n`,
          )
          .join(""),
      };
    },
  }),
  logs({
    name: "haproxy-server-timeout",
    chain: "HAProxy > application",
    fault: "the application was too slow (sH--)",
    expect: likely("response-timeout"),
    files: () => ({ "haproxy.log": haproxyLog(8, "0/0/1/-1/30002 504 198 - - sH-- 12/12/3/3/0 0/0") }),
  }),
  logs({
    name: "haproxy-no-server",
    chain: "HAProxy > application",
    fault: "no server was up",
    expect: likely("no-healthy-upstream", "connect-refused"),
    files: () => ({
      "haproxy.log": haproxyLog(8, "0/-1/-1/-1/0 503 222 - - SC-- 2/2/0/0/0 0/0").replaceAll("app/app1", "app/<NOSRV>"),
    }),
  }),
  logs({
    name: "haproxy-closed",
    chain: "HAProxy > application",
    fault: "the application closed before an answer (SH--)",
    expect: likely("closed-before-response", "keepalive-race"),
    files: () => ({ "haproxy.log": haproxyLog(8, "0/0/0/-1/3 502 209 - - SH-- 2/2/0/0/0 0/0") }),
  }),
  logs({
    name: "alb-closed",
    chain: "ALB > application",
    fault: "the target closed the connection (502 -, no target time)",
    expect: likely("closed-before-response", "keepalive-race", "connect-refused"),
    files: () => ({ "alb.log": albLog(8, "0.001 -1 -1", "502 -") }),
  }),
  logs({
    name: "alb-timeout",
    chain: "ALB > application",
    fault: "the target did not answer within 60 s (504 -)",
    expect: likely("response-timeout", "connect-timeout"),
    files: () => ({ "alb.log": albLog(8, "0.001 60.000 -1", "504 -") }),
  }),
  logs({
    name: "alb-passthrough",
    chain: "ALB > application",
    fault: "the target itself answered 502 (502 502)",
    expect: likely("upstream-error-passthrough"),
    files: () => ({ "alb.log": albLog(8, "0.001 0.020 0.000", "502 502") }),
  }),
  logs({
    name: "envoy-connection-failure",
    chain: "Envoy > application",
    fault: "the application refused (UF)",
    expect: likely("connect-refused", "connect-timeout"),
    files: () => ({
      "envoy.log": Array.from({ length: 8 }, (_, index) => {
        const at = new Date(Date.now() - DAY_MS + index * MINUTE_MS).toISOString();
        return (
          `[${at}] "GET /cart HTTP/1.1" 503 UF 0 145 2 - "203.0.113.9" "curl/8.5" "0f0f0f0f-${index}" "shop.test" ` +
          `"192.0.2.7:3000"\n`
        );
      }).join(""),
    }),
  }),
  logs({
    name: "nginx-buffers-of-others",
    chain: "nginx > application",
    fault: "one failure among notices and warnings that are none",
    expect: likely("connect-refused"),
    files: () => ({
      "error.log":
        nginxError(
          30,
          "an upstream response is buffered to a temporary file temp/proxy/1 while reading upstream",
          UPSTREAM,
        ).replaceAll("[error]", "[warn]") +
        nginxError(3, "connect() failed (111: Connection refused) while connecting to upstream", UPSTREAM),
    }),
    at: AT,
  }),
];
