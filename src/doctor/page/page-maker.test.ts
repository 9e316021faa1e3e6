import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CAUSES } from "../../failure/causes.ts";
import { softwareOfNames } from "./cdn-names.ts";
import type { PageMaker } from "./model.ts";
import { type PageResponse, pageMakerOf } from "./page-maker.ts";
import { READ_ERROR_TYPES } from "./proxy-status-hop.ts";

const folder = join(import.meta.dirname, "..", "..", "..", "test", "corpus", "doctor-pages");

interface Expected {
  readonly about: string;
  readonly madeBy: string | null;
  readonly certainty: string;
  readonly ownError: boolean;
  readonly cause: string | null;
  readonly passed: readonly string[];
  readonly causes?: readonly string[];
}

interface Case {
  readonly name: string;
  readonly response: PageResponse;
  readonly expected: Expected;
}

/** A response head, a blank line, the body, a divider, what is expected. */
function readCase(name: string): Case {
  const [text = "", json = ""] = readFileSync(join(folder, name), "utf8").split("\n----\n");
  const end = text.indexOf("\n\n");
  const [first = "", ...lines] = (end === -1 ? text : text.slice(0, end)).trimEnd().split("\n");
  const fields = lines.map(
    (line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const,
  );
  const response = { status: Number(first.split(" ")[1]), fields, excerpt: end === -1 ? "" : text.slice(end + 2) };
  return { name, response, expected: JSON.parse(json) as Expected };
}

const cases = readdirSync(folder).map(readCase);

const summary = ({ madeBy, certainty, ownError, cause, passed, stated }: PageMaker, { causes }: Expected) => ({
  madeBy,
  certainty,
  ownError,
  cause,
  passed: passed.map(({ software }) => software),
  ...(causes === undefined ? {} : { causes: stated?.causes }),
});

function wanted({ about: _, ...rest }: Expected): Omit<Expected, "about"> {
  return rest;
}

test("there are many cases", () => {
  expect(cases.length).toBeGreaterThanOrEqual(100);
});

test.each(cases)("$name", ({ response, expected }) => {
  const maker = pageMakerOf(response);
  expect(summary(maker, expected)).toEqual(wanted(expected));
  expect(maker.reasons.length).toBeGreaterThan(0);
  if (maker.madeBy !== null) expect(maker.passed.map(({ software }) => software)).toContain(maker.madeBy);
});

test.each(cases)("$name, with line ends as on the wire and names in other case", ({ response, expected }) => {
  const { status, fields, excerpt } = response;
  const other = {
    status,
    fields: fields.map(([name, value]) => [name.toUpperCase(), value] as const),
    excerpt: excerpt.replace(/\n/g, "\r\n"),
  };
  expect(summary(pageMakerOf(other), expected)).toEqual(wanted(expected));
});

/** What an error page says is no error where the status is none. */
test.each(cases)("$name is nobody's error with status 200", ({ response }) => {
  expect(pageMakerOf({ ...response, status: 200 }).ownError).toBe(false);
});

/** Text about a page is not the page: every body as part of an article. */
test.each(cases.filter(({ expected, response }) => expected.ownError && response.excerpt.trim() !== ""))(
  "$name, quoted in an article, is not claimed as a page by a program that the fields do not name",
  ({ response }) => {
    const escaped = response.excerpt.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
    const article = `<!doctype html><title>Fixing gateways</title><article><h1>What this page means</h1><pre>${escaped}</pre></article>`;
    const maker = pageMakerOf({ status: 404, fields: [["Content-Type", "text/html"]], excerpt: article });
    expect([maker.madeBy, maker.ownError]).toEqual([null, false]);
  },
);

describe("the reasons", () => {
  const of = (name: string): readonly string[] => {
    const found = cases.find((each) => each.name === `${name}.txt`);
    return found ? pageMakerOf(found.response).reasons : [];
  };

  test("say who passed it on", () => {
    expect(of("cloudflare-passes-nginx-502")).toEqual([
      "the body is the 502 page of nginx",
      "Cloudflare passed it on (CF-RAY: 8f1c2d3e4f5a6b7c-FRA)",
    ]);
  });

  test("say where a page is of another nginx than the one that sent it", () => {
    expect(of("nginx-behind-nginx")[0]).toContain("of another nginx than the one that sent it");
  });

  test("name the hop of Proxy-Status", () => {
    expect(of("proxy-status-inner-hop")[0]).toBe('Proxy-Status: the hop "edge-7.internal" reports connection_refused');
  });
});

test("every error type of the table of failures is read, and as its causes", () => {
  for (const [cause, { proxyStatus }] of Object.entries(CAUSES))
    if (proxyStatus !== null) expect(READ_ERROR_TYPES.has(proxyStatus), `${cause}: ${proxyStatus}`).toBe(true);
});

test("nothing throws, whatever comes", () => {
  const field = fc.tuple(
    fc.constantFrom("Server", "Via", "Proxy-Status", "X-Served-By", "CF-RAY", "Content-Type", "Set-Cookie", "X-Cache"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.integer(), fc.array(field), fc.string(), (status, fields, excerpt) => {
      const { certainty, ownError } = pageMakerOf({ status, fields, excerpt });
      return !(ownError && status < 400) && ["proven", "likely", "possible"].includes(certainty);
    }),
    { numRuns: 300 },
  );
});

test("a hostile body takes no time", () => {
  const parts = ["<html>", "<head><title>502 ", "<center><h1>", "<p>", " ", "<!-- x -->", "<HR>", "Error 502 "];
  const before = process.cpuUsage().user;
  for (const part of parts)
    for (const end of ["", "</html>", "<p>Varnish cache server</p>"])
      pageMakerOf({
        status: 502,
        fields: [["Server", "x".repeat(9000)]],
        excerpt: part.repeat(4096 / part.length) + end,
      });
  expect((process.cpuUsage().user - before) / 1000).toBeLessThan(2_000);
});

describe("edges by CNAME", () => {
  test.each([
    ["d111111abcdef8.cloudfront.net", "cloudfront"],
    ["shop.example.com.cdn.cloudflare.net", "cloudflare"],
    ["j.sni.global.fastly.net.", "fastly"],
    ["e1234.a.akamaiedge.net", "akamai"],
    ["www.example.com.edgekey.net", "akamai"],
    ["shop-abc.z01.azurefd.net", "azure-front-door"],
    ["shop.azureedge.net", "azure-front-door"],
    ["shop.netlify.app", "netlify"],
    ["cname.vercel-dns.com", "vercel"],
    ["d35fab.vercel-dns-017.com", "vercel"],
    ["whispering-willow.herokudns.com", "heroku"],
    ["shop-123.eu-central-1.elb.amazonaws.com", "aws-alb"],
    ["shop-nlb-1a2b.elb.eu-central-1.amazonaws.com", "aws-nlb"],
    ["abc123.execute-api.eu-west-1.amazonaws.com", "aws-api-gateway"],
    ["ghs.googlehosted.com", "google-lb"],
  ])("%s", (name, software) => {
    expect(softwareOfNames(["www.shop.example.com", name])).toEqual({ software, mark: `CNAME ${name}` });
  });

  test.each(["cloudfront.net.example.com", "notfastly.net", "elb.example.com", "", "example.org"])(
    "%s is nobody's",
    (name) => {
      expect(softwareOfNames([name])).toBeNull();
    },
  );
});
