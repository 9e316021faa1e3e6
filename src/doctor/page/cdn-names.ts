// Edges by the names that they give: a CNAME of a site that ends in a provider's own domain leads to that provider.
// Only domains that the provider alone hands out are listed; the mark says which name told.
import type { SoftwareId } from "../software.ts";

const SUFFIXES: readonly (readonly [suffix: string, software: SoftwareId])[] = [
  ["cloudfront.net", "cloudfront"],
  ["cdn.cloudflare.net", "cloudflare"],
  ["cfargotunnel.com", "cloudflare"],
  ["pages.dev", "cloudflare"],
  ["workers.dev", "cloudflare"],
  ["fastly.net", "fastly"],
  ["fastlylb.net", "fastly"],
  ["fastly-edge.com", "fastly"],
  ["edgecompute.app", "fastly"],
  ["akamaiedge.net", "akamai"],
  ["akamaiedge-staging.net", "akamai"],
  ["edgesuite.net", "akamai"],
  ["edgesuite-staging.net", "akamai"],
  ["edgekey.net", "akamai"],
  ["edgekey-staging.net", "akamai"],
  ["akamai.net", "akamai"],
  ["akamaized.net", "akamai"],
  ["akamaihd.net", "akamai"],
  ["akadns.net", "akamai"],
  ["azurefd.net", "azure-front-door"],
  ["azureedge.net", "azure-front-door"],
  ["t-msedge.net", "azure-front-door"],
  ["netlify.app", "netlify"],
  ["netlify.com", "netlify"],
  ["netlifyglobalcdn.com", "netlify"],
  ["vercel-dns.com", "vercel"],
  ["vercel-dns-016.com", "vercel"],
  ["vercel-dns-017.com", "vercel"],
  ["vercel.app", "vercel"],
  ["now.sh", "vercel"],
  ["herokudns.com", "heroku"],
  ["herokuapp.com", "heroku"],
  ["herokussl.com", "heroku"],
  ["googlehosted.com", "google-lb"],
  ["ghs.google.com", "google-lb"],
  ["run.app", "google-lb"],
  ["appspot.com", "google-lb"],
];

/** Patterns where the place in the name tells what kind of service it is. */
const PATTERNS: readonly (readonly [pattern: RegExp, software: SoftwareId])[] = [
  // Network Load Balancers have the region before "elb" turned round: name.elb.REGION.amazonaws.com.
  [/\.elb\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?$/, "aws-nlb"],
  [/\.[a-z]{2}(?:-[a-z]+)+-\d\.elb\.amazonaws\.com(?:\.cn)?$/, "aws-alb"],
  [/\.elb\.amazonaws\.com(?:\.cn)?$/, "aws-alb"],
  [/\.execute-api\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?$/, "aws-api-gateway"],
  [/\.vercel-dns(?:-\d{1,4})?\.com$/, "vercel"],
];

/** The edge that the names of a site's CNAME chain lead to: of several, the first that is known. */
export function softwareOfNames(cnames: readonly string[]): { software: SoftwareId; mark: string } | null {
  for (const name of cnames) {
    const software = softwareOfName(name.toLowerCase().replace(/\.$/, ""));
    if (software) return { software, mark: `CNAME ${name}` };
  }
  return null;
}

function softwareOfName(name: string): SoftwareId | null {
  for (const [pattern, software] of PATTERNS) if (pattern.test(name)) return software;
  for (const [suffix, software] of SUFFIXES) if (name === suffix || name.endsWith(`.${suffix}`)) return software;
  return null;
}
