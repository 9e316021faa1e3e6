import { expect, test } from "vitest";
import { kindOfConfig, whatItLooksLike } from "./detect.ts";
import type { ConfigKind } from "./model.ts";

const KINDS: readonly (readonly [kind: ConfigKind | null, file: string, text: string])[] = [
  ["nginx", "x", "events {}\nhttp { server { listen 80; } }\n"],
  ["nginx", "x", "http\n{\n  server\n  {\n    listen 80;\n  }\n}\n"],
  ["nginx", "shop", "server {\n    listen 80;\n    location / { proxy_pass http://app; }\n}\n"],
  ["nginx", "shop.yaml", "upstream app {\n  server 127.0.0.1:3000;\n}\n"],
  ["nginx", "snippet", "proxy_set_header Host $host;\nproxy_read_timeout 5s;\n"],
  ["nginx", "x", "# configuration file /etc/nginx/nginx.conf:\nuser www-data;\nevents {\n}\nhttp {\n}\n"],
  ["nginx", "x", "location ~ \\.php$ {\n  fastcgi_pass unix:/run/php.sock;\n}\n"],
  ["haproxy", "x.conf", "global\n    daemon\ndefaults\n    mode http\n"],
  ["haproxy", "x", "frontend web\n    bind :80\n    default_backend app\nbackend app\n    server a 127.0.0.1:1\n"],
  ["haproxy", "x", "listen web\nbind :80\nserver a 127.0.0.1:1 check\n"],
  ["haproxy", "x", "\tdefaults http\n\n".trim() + "\n\tmode http\n\ttimeout client 5s\n"],
  ["apache", "x", "<VirtualHost *:80>\n  ProxyPass / http://127.0.0.1:3000/\n</VirtualHost>\n"],
  ["apache", "x", 'ServerRoot "/etc/httpd"\nListen 80\nInclude conf.d/*.conf\n'],
  ["apache", "proxy.conf", "ProxyPass /app http://127.0.0.1:3000/app\n"],
  ["caddyfile", "Caddyfile", "example.com\n\nreverse_proxy localhost:3000\n"],
  ["caddyfile", "x", "shop.example.com {\n\treverse_proxy app:3000\n}\n"],
  ["caddyfile", "x", "{\n\temail ops@example.com\n}\n\n:80 {\n\trespond 200\n}\n"],
  ["caddy-json", "x.json", '{"apps":{"http":{"servers":{}}}}'],
  ["traefik", "x.yml", "entryPoints:\n  web:\n    address: :80\n"],
  ["traefik", "x.yml", "http:\n  routers:\n    shop:\n      rule: Host(`shop.example.com`)\n"],
  ["traefik", "x.toml", '[http.routers.shop]\n  rule = "Host(`a`)"\n  service = "s"\n'],
  ["envoy", "x.yaml", "static_resources:\n  listeners: []\n"],
  ["envoy", "x.json", '{"static_resources":{"clusters":[]}}'],
  ["compose", "x.yml", "services:\n  web:\n    image: nginx\n"],
  ["compose", "x.yml", 'version: "3.8"\nservices:\n  web:\n    build: .\nvolumes:\n  data:\n'],
  [
    "kubernetes",
    "x",
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n---\napiVersion: apps/v1\nkind: Deployment\n",
  ],
  ["kubernetes", "x.json", '{"apiVersion":"v1","kind":"Service","spec":{"ports":[]}}'],
  [
    "kubernetes",
    "x",
    "apiVersion: v1\nkind: ConfigMap\ndata:\n  nginx.conf: |\n    server {\n      listen 80;\n    }\n",
  ],
  [
    "compose",
    "x",
    "services:\n  web:\n    image: nginx\nconfigs:\n  a:\n    content: |\n      server {\n        listen 80;\n      }\n",
  ],
  ["goodgate", "x.yaml", 'listen: ":8080"\nupstreams:\n  app: http://localhost:3000\n'],
  ["package-json", "package.json", '{\n  "name": "shop",\n  "scripts": { "start": "node server.js" }\n}'],
  ["node-source", "server.js", 'require("http").createServer().listen(3000);\n'],
  ["node-source", "x", 'import express from "express";\nconst app = express();\napp.listen(3000);\n'],
  // Programs may hold any text.
  ["node-source", "conf.ts", "export const text = `\nserver {\n  listen 80;\n}\n`;\n"],
  ["haproxy", "haproxy.cfg", "# nothing yet\n"],
  [null, "notes.txt", "remember to renew the certificate\n"],
  [null, "README.md", "# Shop\n\n```yaml\nupstreams:\n  app: x\nlisten: 1\n```\n\nText that says more.\n"],
  [null, "x.yaml", "colour: red\nsize: 5\n"],
  [null, "x.json", '{"colour":"red"}'],
  [null, "x.json", "[1, 2, 3]"],
  ["dockerfile", "Dockerfile", "FROM node:20\nCOPY . .\nCMD node server.js\n"],
  ["dockerfile", "image.txt", "# syntax=docker/dockerfile:1\nARG V=20\nFROM node:$V\nCOPY . .\nCMD node server.js\n"],
  [null, "query.sql", "SELECT a\nFROM t\nWHERE b = 1;\n"],
  [null, "default.vcl", 'vcl 4.1;\nbackend default {\n  .host = "127.0.0.1";\n}\n'],
  [null, "nginx.conf", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
];

test.each(KINDS)("%s is told: %s %j", (kind, file, text) => {
  expect(kindOfConfig(file, text)).toBe(kind);
});

test("line ends of Windows and a byte order mark make no difference", () => {
  for (const [kind, file, text] of KINDS)
    expect(kindOfConfig(file, `\ufeff${text.replaceAll("\n", "\r\n")}`), text).toBe(kind);
});

test.each([
  ["a private key", "-----BEGIN PRIVATE KEY-----\n"],
  ["a certificate", "-----BEGIN CERTIFICATE-----\n"],
  ["an HTML page", "<!DOCTYPE html>\n<html>"],
  ["a script", "#!/bin/sh\nset -e\n"],
  ["a systemd unit", "[Unit]\nDescription=x\n"],
  ["a log (logs go to --log)", "2026/11/21 10:00:00 [error] 1#1: *1 connect() failed\n"],
  ["a file of environment variables", "# of the shop\nPORT=3000\nHOST=a=b\n"],
])("%s is said to be one", (what, text) => {
  expect(whatItLooksLike(text)).toBe(what);
});

test("texts that tell nothing are looked through to their end", { timeout: 60_000 }, () => {
  // Quadratic patterns would take minutes here.
  const count = 200_000;
  const texts = ["a=", "{", "a ", "location ", "\n", "#a\n", "http:\n", "global\n", "server a\n"].map((each) =>
    each.repeat(count),
  );
  for (const text of [...texts, ...texts.map((each) => each.replaceAll(" ", "\n")), `A${"=B".repeat(9000)}`])
    expect(kindOfConfig("notes.md", text)).not.toBe("node-source");
});
