// Kind → reader, loaded when a file of its kind is there.
import type { ConfigKind } from "./model.ts";
import type { Reader } from "./reader.ts";

/** Each kind that kindOfConfig tells has its row. */
export const READERS: Readonly<Record<ConfigKind, () => Promise<Reader>>> = {
  nginx: async () => (await import("./nginx/read.ts")).readNginx,
  haproxy: async () => (await import("./haproxy/read.ts")).readHaproxy,
  apache: async () => (await import("./apache/read.ts")).readApache,
  caddyfile: async () => (await import("./caddy/read.ts")).readCaddyfile,
  "caddy-json": async () => (await import("./caddy/json.ts")).readCaddyJson,
  traefik: async () => (await import("./traefik/read.ts")).readTraefik,
  envoy: async () => (await import("./envoy/read.ts")).readEnvoy,
  compose: async () => (await import("./compose/read.ts")).readCompose,
  kubernetes: async () => (await import("./kubernetes/read.ts")).readKubernetes,
  "node-source": async () => (await import("./node/source.ts")).readNodeSource,
  "package-json": async () => (await import("./node/package-json.ts")).readPackageJson,
  dockerfile: async () => (await import("./node/dockerfile.ts")).readDockerfile,
  goodgate: async () => (await import("./goodgate/read.ts")).readGoodgate,
};
