// Answers of applications and their frameworks. An error that an application answers is no error of a gateway, whatever
// its status; recognising the framework keeps its 502 from being taken for that of a hop before it.
import type { SoftwareId } from "../software.ts";
import { type Detector, type Fingerprint, possible } from "./fingerprint.ts";
import { passedOn } from "./passed-on.ts";
import { isGatewayStatus, type Seen } from "./response.ts";

interface AppRow {
  readonly software: SoftwareId;
  readonly certainty: "proven" | "likely" | "possible";
  readonly reason: string;
  readonly when: (seen: Seen) => boolean;
}

const json = ({ type, body }: Seen): boolean => (type.includes("json") || type === "") && body.startsWith("{");

const ROWS: readonly AppRow[] = [
  {
    software: "express",
    certainty: "proven",
    reason: "the body is the page of Express's final handler",
    when: ({ body }) =>
      /^<!DOCTYPE html>\s*<html lang="en">\s*<head>\s*<meta charset="utf-8">\s*<title>Error<\/title>\s*<\/head>\s*<body>\s*<pre>/.test(
        body,
      ),
  },
  {
    software: "fastify",
    certainty: "likely",
    reason: "the body is Fastify's answer for a route that it does not have",
    when: (seen) =>
      json(seen) && /"message":"Route [A-Z]+:[^"]+ not found","error":"Not Found","statusCode":404/.test(seen.body),
  },
  {
    software: "tomcat",
    certainty: "proven",
    reason: "the body is Tomcat's error page",
    when: ({ body }) =>
      /<h3>Apache Tomcat\/[\d.]+<\/h3>|^<!doctype html><html lang="en"><head><title>HTTP Status \d{3} [–-]/i.test(body),
  },
  {
    software: "tomcat",
    certainty: "likely",
    reason: "the body is Spring Boot's error page",
    when: ({ body }) => /<h1>Whitelabel Error Page<\/h1>/.test(body),
  },
  {
    software: "tomcat",
    certainty: "possible",
    reason: "the body has the shape of Spring Boot's error document",
    when: (seen) => json(seen) && /^\{"timestamp":[^,]{5,40},"status":\d{3},"error":"[^"]{1,60}"/.test(seen.body),
  },
  {
    software: "gunicorn",
    certainty: "likely",
    reason: "the body is gunicorn's error page",
    when: ({ body }) =>
      /^<html>\s*<head>\s*<title>[^<]{1,60}<\/title>\s*<\/head>\s*<body>\s*<h1><p>[^<]{1,60}<\/p><\/h1>/.test(body),
  },
  {
    software: "php-fpm",
    certainty: "likely",
    reason: 'the body is PHP-FPM\'s "File not found."',
    when: ({ body, status }) => status === 404 && body === "File not found.",
  },
  {
    software: "nextjs",
    certainty: "likely",
    reason: "X-Powered-By: Next.js",
    when: (seen) => powered(seen, /^next\.js/i),
  },
  {
    software: "express",
    certainty: "likely",
    reason: "X-Powered-By: Express",
    when: (seen) => powered(seen, /^express/i),
  },
  { software: "php-fpm", certainty: "likely", reason: "X-Powered-By: PHP", when: (seen) => powered(seen, /^php\//i) },
  { software: "gunicorn", certainty: "likely", reason: "Server: gunicorn", when: (seen) => served(seen, /^gunicorn/) },
  {
    software: "uvicorn",
    certainty: "likely",
    reason: "Server: uvicorn",
    when: (seen) => served(seen, /^(?:uvicorn|hypercorn|daphne)/),
  },
  { software: "kestrel", certainty: "likely", reason: "Server: Kestrel", when: (seen) => served(seen, /^kestrel/) },
  { software: "jetty", certainty: "likely", reason: "Server: Jetty", when: (seen) => served(seen, /^jetty/) },
  {
    software: "puma",
    certainty: "likely",
    reason: "Server: Puma or Passenger",
    when: (seen) => served(seen, /^(?:puma|phusion passenger|thin|unicorn)/),
  },
  {
    software: "app",
    certainty: "likely",
    reason: "Server: Werkzeug, Python or S3",
    when: (seen) => served(seen, /^(?:werkzeug|simplehttp|basehttp|amazons3|python|waitress|cherrypy|twisted)/),
  },
  {
    software: "app",
    certainty: "likely",
    reason: "the body is a JSON document, as applications answer",
    // Gateways are told to answer in JSON too: then only a mark of having been passed on tells.
    when: (seen) =>
      seen.status >= 400 &&
      json(seen) &&
      seen.type.includes("json") &&
      (!isGatewayStatus(seen.status) || passedOn(seen).length > 0),
  },
];

const powered = (seen: Seen, pattern: RegExp): boolean =>
  seen.lines("x-powered-by").some((value) => pattern.test(value));
const served = (seen: Seen, pattern: RegExp): boolean =>
  seen.lines("server").some((value) => pattern.test(value.toLowerCase()));

/** An application or its framework. */
export const application: Detector = (seen) => {
  const relay = nodeProxy(seen);
  if (relay) return relay;
  const row = ROWS.find(({ when }) => when(seen));
  if (!row) return null;
  return { software: row.software, certainty: row.certainty, reason: row.reason, stated: null, application: true };
};

/** A gateway written in Node: the proxy's own text, in the framework that it runs in. */
function nodeProxy({ body, status }: Seen): Fingerprint | null {
  const text = /^Error occurred while trying to proxy(?: to)?: ?[^\n]{0,200}/.exec(body)?.[0];
  if (text === undefined || status < 500) return null;
  return {
    software: "express",
    certainty: "likely",
    reason: "the body is the text of http-proxy-middleware",
    stated: possible(
      "Error occurred while trying to proxy",
      "connect-refused",
      "dns-not-resolved",
      "closed-before-response",
    ),
  };
}
