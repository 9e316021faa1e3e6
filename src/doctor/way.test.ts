import { expect, test } from "vitest";
import { filesInMemory } from "./configs/files.ts";
import { readConfigs } from "./configs/read-configs.ts";
import { wayThrough } from "./way.ts";

async function way(files: Record<string, string>, host: string | null, port: number | null, path: string) {
  const configs = await readConfigs(Object.keys(files), filesInMemory(files));
  return wayThrough(configs, { host, port, path }).map(({ hop, pool, route, depth, loop, config }) => ({
    file: config.file,
    hop: hop.name,
    pool: pool?.name ?? null,
    route: route?.path.text ?? null,
    depth,
    loop,
  }));
}

const SHOP = `events {}
http {
  upstream app { server 127.0.0.1:3000; server 127.0.0.1:3001; }
  upstream api { server 127.0.0.1:4000; }
  server { listen 80; server_name other.example; location / { proxy_pass http://127.0.0.1:5000; } }
  server {
    listen 80; server_name shop.example;
    location / { proxy_pass http://app; }
    location /api/ { proxy_pass http://api; }
    location = /health { return 200; }
  }
}
`;

test("host and path choose the pool", async () => {
  const files = { "/etc/nginx/nginx.conf": SHOP };
  expect(await way(files, "shop.example", 80, "/cart")).toMatchObject([{ pool: "app", depth: 0, loop: false }]);
  expect(await way(files, "shop.example", 80, "/api/x")).toMatchObject([{ pool: "api" }]);
  expect(await way(files, "shop.example", 80, "/health")).toMatchObject([{ pool: null }]);
});

test("a gateway behind a gateway is the next leg", async () => {
  const edge = `events {}
http { server { listen 8080; location / { proxy_pass http://127.0.0.1:80; proxy_set_header Host $host; } } }
`;
  const legs = await way({ "/edge/nginx.conf": edge, "/etc/nginx/nginx.conf": SHOP }, "shop.example", 8080, "/");
  expect(legs.map(({ file, depth, pool }) => [file, depth, pool])).toEqual([
    ["/edge/nginx.conf", 0, "127.0.0.1:80"],
    ["/etc/nginx/nginx.conf", 1, "app"],
  ]);
});

test("a gateway that forwards to itself is a loop, and the search ends", async () => {
  const loop = `events {}
http { server { listen 127.0.0.1:8080; location / { proxy_pass http://127.0.0.1:8080; } } }
`;
  expect(await way({ "/etc/nginx/nginx.conf": loop }, "shop.example", 8080, "/")).toMatchObject([{ loop: true }]);
});

test("another server of the same gateway is no loop", async () => {
  const twice = `events {}
http {
  server { listen 127.0.0.1:8080; location / { proxy_pass http://127.0.0.1:8081; } }
  server { listen 127.0.0.1:8081; location / { proxy_pass http://127.0.0.1:3000; } }
}
`;
  const legs = await way({ "/etc/nginx/nginx.conf": twice }, null, 8080, "/");
  expect(legs.map(({ loop, pool }) => [loop, pool])).toEqual([
    [false, "127.0.0.1:8081"],
    [false, "127.0.0.1:3000"],
  ]);
});

test("without an address the outermost gateway is where the way begins", async () => {
  expect(await way({ "/etc/nginx/nginx.conf": SHOP }, null, null, "/")).toHaveLength(1);
});
