// Pages and fields of CDNs, cloud balancers and platforms. A field that such a service puts on every response says only
// that the response passed; what counts here are its own pages, and fields that it sends only with answers of its own.
import { envoyStated } from "./envoy-replies.ts";
import { type Detector, explained, type Fingerprint, likely, oneLine, possible, proven } from "./fingerprint.ts";
import { fastlyStated } from "./gateway-pages.ts";
import type { StatedCause } from "./model.ts";
import type { Seen } from "./response.ts";

const onCloudflare = (seen: Seen): boolean => /^cloudflare/.test(seen.server) || seen.field("cf-ray") !== "";

/** Statuses that only Cloudflare has. */
const isCloudflareStatus = (status: number): boolean => (status >= 520 && status <= 527) || status === 530;

export const cloudflare: Detector = (seen) => {
  const { body, status } = seen;
  if (status < 400) return null;
  if (
    /^challenge$/i.test(seen.field("cf-mitigated")) ||
    /<title>(?:Just a moment\.\.\.|Attention Required! \| Cloudflare)<\/title>/.test(body)
  )
    return edge(
      seen,
      "Cloudflare's challenge or block page",
      proven("request-denied", "Cloudflare challenged or blocked the request"),
    );
  const bare = /^error code: (\d{3,4})$/.exec(body);
  if (bare && onCloudflare(seen))
    return edge(seen, `the body is Cloudflare's bare "${body}"`, cloudflareStated(bare[1], seen, false));
  const json =
    seen.type.includes("json") && /"cloudflare_error": ?true/.test(body) ? /"error_code": ?(\d{3,4})/.exec(body) : null;
  if (json) return edge(seen, "the body is Cloudflare's error document", cloudflareStated(json[1], seen, true));
  const marked =
    /<[a-z]+ [^<>]{0,200}(?:class="cf-(?:error|wrapper|browser-verification)|id="cf-(?:wrapper|error-details))|Cloudflare Ray ID: <|<li>Cloudflare Location: /.test(
      body,
    );
  if (!marked && !/<title>[^<|]{1,255} \| \d{3}: [^<]{1,80}<\/title>/.test(body)) return statusAlone(seen);
  if (/Unable to reach the origin service|does not appear to be responding to traffic from cloudflared/i.test(body))
    return {
      software: "cloudflared",
      certainty: "proven",
      reason: "the page says that cloudflared could not reach the origin service",
      stated: possible("Unable to reach the origin service", "connect-refused", "dns-not-resolved", "connect-timeout"),
    };
  const number =
    /<title>[^<]*\| (\d{3}): |class="cf-error-code">(\d{3,4})<|\bError (1\d{3})\b|Error reference number: (\d{3,4})/
      .exec(body)
      ?.slice(1)
      .find(Boolean);
  return edge(seen, `the body is Cloudflare's branded ${number ?? status} page`, cloudflareStated(number, seen, true));
};

function edge(seen: Seen, reason: string, stated: StatedCause | null): Fingerprint {
  const ray = /^[0-9a-f]{16}(?:-[A-Z]{3})?/.exec(seen.field("cf-ray"))?.[0];
  return { software: "cloudflare", certainty: "proven", reason, stated, ...(ray === undefined ? {} : { name: ray }) };
}

/** A page that the customer wrote for Cloudflare to show. */
function statusAlone(seen: Seen): Fingerprint | null {
  if (!isCloudflareStatus(seen.status) || !onCloudflare(seen)) return null;
  const reason = `status ${seen.status} is one that only Cloudflare makes, and its fields are there`;
  return {
    software: "cloudflare",
    certainty: "likely",
    reason,
    stated: cloudflareStated(String(seen.status), seen, false),
  };
}

/** Codes that stand for more than one class. */
const SEVERAL: Readonly<Record<string, StatedCause>> = {
  520: possible("error 520", "response-malformed", "closed-before-response", "response-header-too-large"),
  523: likely("error 523", "network-unreachable", "dns-not-resolved"),
  526: likely("error 526", "tls-cert-untrusted", "tls-cert-expired", "tls-cert-name-mismatch"),
  1102: likely("error 1102", "oom-killed", "worker-timeout"),
};

/** Cloudflare shows its branded 502 and 504 where the origin answered with that status. */
function cloudflareStated(number: string | undefined, { status, body }: Seen, branded: boolean): StatedCause | null {
  const code = number ?? String(status);
  const several = SEVERAL[code];
  if (several) return several;
  if (/^1\d{3}$|^52\d$/.test(code)) return explained(`error code: ${code}`);
  if (code === "530") {
    const inner = /\b(1\d{3})\b/.exec(body)?.[1];
    return inner === undefined
      ? possible("error 530", "dns-not-resolved", "tunnel-disconnected")
      : explained(`error code: ${inner}`);
  }
  if (!/^50[24]$/.test(code)) return null;
  return branded
    ? likely(`error ${code}, branded`, "upstream-error-passthrough")
    : possible(`error code: ${code}`, "gateway-internal-error", "upstream-error-passthrough");
}

export const cloudfront: Detector = (seen) => {
  const page = /<TITLE>ERROR: The request could not be satisfied<\/TITLE>[\s\S]{0,400}<H1>(\d{3}) ERROR<\/H1>/i.exec(
    seen.body,
  );
  if (!page && !(seen.server === "cloudfront" && seen.status >= 300)) return null;
  const text = page ? /<HR[^>]{0,40}>\s*([^<]{10,400}?)\s*<BR/i.exec(seen.body)?.[1] : undefined;
  return {
    software: "cloudfront",
    certainty: "proven",
    reason: page
      ? `the body is CloudFront's ${page[1]} page`
      : "Server: CloudFront, which it sends with its own responses only",
    stated: text === undefined ? null : cloudfrontStated(oneLine(text)),
  };
};

/** The first sentence; the same words stand for several failures of the connection. */
function cloudfrontStated(text: string): StatedCause | null {
  if (/^CloudFront wasn't able to resolve the origin/.test(text)) return proven("dns-not-resolved", text);
  if (/^CloudFront wasn't able to connect to the origin/.test(text))
    return possible(
      text,
      "tls-handshake-failed",
      "connect-refused",
      "tls-cert-untrusted",
      "tls-cert-name-mismatch",
      "tls-cert-expired",
    );
  if (/^CloudFront attempted to establish a connection/.test(text))
    return possible(text, "connect-timeout", "response-timeout", "closed-before-response", "connect-refused");
  if (/^The origin closed the connection/.test(text)) return likely(text, "closed-before-response");
  if (/^Request blocked/.test(text)) return proven("request-denied", text);
  return explained(text);
}

export const fastly: Detector = (seen) => {
  const line = /^Fastly error: ([^\n]{3,200})/.exec(seen.body);
  if (!line || seen.status < 400) return null;
  return {
    software: "fastly",
    certainty: "proven",
    reason: `the body is "${oneLine(line[0])}"`,
    stated: fastlyStated(line[1] ?? ""),
  };
};

export const akamai: Detector = (seen) => {
  const page = /\bReference(?:&#32;| )(?:#|&#35;)\d{1,3}(?:\.|&#46;)[0-9a-f]{6,}/i.exec(seen.body);
  const own = seen.status >= 400 && seen.server === "akamaighost";
  if (seen.status < 400 || (!page && !own)) return null;
  const title = /<H1>([^<]{1,120})<\/H1>/i.exec(seen.body)?.[1] ?? "";
  const stated = /^Access Denied$/i.test(title)
    ? proven("request-denied", title)
    : /DNS failure/i.test(title)
      ? likely(title, "dns-not-resolved", "dns-timeout")
      : /^Gateway Timeout/i.test(title)
        ? possible(title, "response-timeout", "connect-timeout")
        : null;
  return {
    software: "akamai",
    certainty: page ? "proven" : "likely",
    reason: page ? "the body is Akamai's page with a reference number" : "Server: AkamaiGHost",
    stated,
  };
};

export const alb: Detector = (seen) => {
  if (!/\bawselb\//.test(seen.server)) return null;
  return {
    software: "aws-alb",
    certainty: "proven",
    reason: `Server: ${seen.server}: an AWS load balancer sends it with its own responses only`,
    stated: albStated(seen.status),
  };
};

function albStated(status: number): StatedCause | null {
  if (status === 464) return proven("protocol-mismatch", "status 464");
  if (status === 504) return possible("status 504", "response-timeout", "connect-timeout");
  if (status === 502)
    return possible(
      "status 502",
      "closed-before-response",
      "connect-refused",
      "keepalive-race",
      "response-malformed",
      "tls-handshake-failed",
    );
  return status === 503 ? possible("status 503", "backend-absent", "no-healthy-upstream") : null;
}

export const apiGateway: Detector = (seen) => {
  const type = seen.field("x-amzn-errortype");
  const here =
    seen.field("x-amz-apigw-id") !== "" ||
    seen.field("apigw-requestid") !== "" ||
    seen.field("x-amzn-requestid") !== "";
  if (!here || seen.status < 400) return null;
  const message = /^\{\s*"message" ?: ?"([^"\\]{1,200})"\s*\}$/i.exec(seen.body)?.[1];
  const own =
    type !== "" ||
    (message !== undefined &&
      /^(?:Internal [Ss]erver [Ee]rror|Endpoint request timed out|Service Unavailable|Not Found|Forbidden|Missing Authentication Token|Too Many Requests|Limit Exceeded|Network error communicating with endpoint)$/.test(
        message,
      ));
  if (!own) return null;
  return {
    software: "aws-api-gateway",
    certainty: type === "" || seen.field("x-amz-apigw-id") === "" ? "likely" : "proven",
    reason:
      type === "" ? `the body is API Gateway's "${message}"` : `X-Amzn-ErrorType: ${type}: API Gateway answered itself`,
    stated:
      message === undefined || /^Internal/.test(message)
        ? null
        : message === "Too Many Requests"
          ? proven("rate-limited", message)
          : explained(message),
  };
};

export const google: Detector = (seen) => {
  const { body, status } = seen;
  if (status < 400) return null;
  const stock = /<title>(\d{3}) [^<]{1,60}<\/title>[\s\S]{0,200}<h1>Error: [^<]{1,80}<\/h1>\s*<h2>[\s\S]{0,300}/i.exec(
    body,
  );
  const robot = /<title>Error \d{3} \([^<)]{1,60}\)!!1<\/title>/.test(body);
  const temporary =
    /<h2>The server encountered a temporary error and could not complete your request\.<p>\s*Please try again in 30 seconds\.<\/h2>/i.test(
      body,
    );
  const own = (stock !== null && /<body text="?#000000"? bgcolor="?#ffffff"?>/i.test(body)) || robot;
  if (own || temporary)
    return {
      software: "google-lb",
      certainty: "proven",
      reason: `the body is the ${status} page of Google's front end`,
      stated: /no healthy upstream/.test(body) ? proven("no-healthy-upstream", "no healthy upstream") : null,
    };
  // Google's regional balancers are Envoys; they say so in Via only.
  if (
    /^(?:no healthy upstream|upstream request timeout|upstream connect error)/.test(body) &&
    /\bgoogle\b/.test(seen.field("via")) &&
    !/envoy/.test(seen.server)
  )
    return {
      software: "google-lb",
      certainty: "likely",
      reason: "the body is a local reply of Envoy and Via names Google, whose balancers are Envoys",
      stated: envoyStated(body),
    };
  return null;
};

export const azure: Detector = (seen) => {
  const code = seen.field("x-azure-externalerror");
  const page = /(<h\d[^<>]{0,200}>\s*)?Our services aren(?:'|&#39;|’)t available right now/i.exec(seen.body);
  const here = seen.field("x-azure-ref") !== "";
  if (/^microsoft-azure-application-gateway\//.test(seen.server) && seen.status >= 300)
    return { software: "azure-app-gateway", certainty: "proven", reason: `Server: ${seen.server}`, stated: null };
  const own = seen.status >= 400 && page !== null && (here || page[1] !== undefined);
  if (!own && !(here && code !== "")) return null;
  return {
    software: "azure-front-door",
    certainty: here ? "proven" : "likely",
    reason: page ? "the body is Azure Front Door's page" : `X-Azure-ExternalError: ${oneLine(code)}`,
    stated: code === "" ? null : explained(code),
  };
};

const HEROKU_PAGES: Readonly<Record<string, StatedCause | null>> = {
  "application-error": possible(
    "Heroku's application-error page",
    "app-crashed",
    "response-timeout",
    "closed-before-response",
    "upstream-not-ready",
    "backend-absent",
  ),
  "no-such-app": proven("backend-absent", "Heroku's no-such-app page"),
  "maintenance-mode": proven("backend-absent", "Heroku's maintenance page"),
  "ssl-cert-error": null,
};

export const heroku: Detector = (seen) => {
  const page = /<iframe src="(?:https?:)?\/\/(?:www\.)?herokucdn\.com\/error-pages\/([a-z-]{3,40})\.html"/.exec(
    seen.body,
  )?.[1];
  if (page === undefined || seen.status < 400) return null;
  return {
    software: "heroku",
    certainty: "proven",
    reason: `the body is Heroku's ${page} page`,
    stated: HEROKU_PAGES[page] ?? null,
  };
};

export const netlify: Detector = (seen) => {
  const here = seen.server === "netlify" || seen.field("x-nf-request-id") !== "";
  if (!here || seen.status < 400) return null;
  const text =
    /^(?:Not Found - Request ID: |Inactivity Timeout|error decoding lambda response|This function has crashed|usage_exceeded|Site not found|Page not found\b|TimeoutError: Task timed out)[^\n]{0,160}/.exec(
      oneLine(seen.body),
    )?.[0];
  const page = text ?? /<title>(Page not found|Site not found|Site not available)<\/title>/i.exec(seen.body)?.[1];
  if (page === undefined) return null;
  return {
    software: "netlify",
    certainty: "proven",
    reason: `the body is Netlify's "${oneLine(page).slice(0, 60)}"`,
    stated: /^Not Found - Request ID/.test(page) ? proven("backend-absent", "Not Found - Request ID") : explained(page),
  };
};

export const vercel: Detector = (seen) => {
  const code = /^[A-Z][A-Z_]{3,60}$/.exec(seen.field("x-vercel-error"))?.[0];
  const body =
    /(?:^|\n|>|: )([A-Z]{3,}(?:_[A-Z]{2,}){1,7})(?:$|\n|<)[\s\S]{0,200}?\b[a-z]{3}\d{1,2}:(?::|[a-z0-9])/.exec(
      seen.body,
    )?.[1];
  const here = seen.server === "vercel" || seen.field("x-vercel-id") !== "";
  const found = code ?? (here && seen.status >= 400 ? body : undefined);
  if (found === undefined) return null;
  return {
    software: "vercel",
    certainty: "proven",
    reason: code === undefined ? `the body has Vercel's code ${found}` : `X-Vercel-Error: ${found}`,
    stated: explained(`Code: ${found}`),
  };
};

/** In the order in which they are asked. */
export const EDGE_PAGES: readonly Detector[] = [
  cloudflare,
  fastly,
  cloudfront,
  akamai,
  apiGateway,
  alb,
  google,
  azure,
  heroku,
  netlify,
  vercel,
];
