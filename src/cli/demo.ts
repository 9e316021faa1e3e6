// goodgate demo: a shop on three lab endpoints, visitors, and the gateway in front, to be broken by button in the
// console (or on the shop's own page /lab). Its timeouts are short and its health checks frequent, so that each thing
// that the gateway does for an upstream can be seen within a minute; what is kept is kept in memory.
import type { Config } from "../config/config.ts";
import { loadConfig, withOverrides } from "../config/load.ts";
import { type Company, type Shop, startShop } from "../lab/shop.ts";
import { Visitors } from "../lab/shop-visitors.ts";
import { Oversight } from "./backend/oversight.ts";
import { Demo } from "./demo-shops.ts";
import { printProblems, reportStartError } from "./problems.ts";
import { Served } from "./serve.ts";
import { onSignals } from "./signals.ts";

const SHOPS = ["shop-1", "shop-2", "shop-3"];
/** Below the ports that systems give out: a shop that comes back must find its own free. Where it is taken, any is. */
const FIRST_PORT = 8511;
const BLOCKS = 10;
const VISITORS_PER_SECOND = 8;
/** Where other commands look for it. */
const STANDARD_CONSOLE = "http://127.0.0.1:8502";

export interface DemoOptions {
  readonly listen?: string;
  readonly console?: string;
}

/** Starts the demo; resolves with an exit code where it cannot. */
export async function demo(options: DemoOptions): Promise<number | undefined> {
  const shops = await openShops();
  const { config, problems } = withOverrides(demoConfig(shops), {
    listen: options.listen ? [options.listen] : [],
    ...consoleOf(options),
  });
  printProblems(problems);
  if (!config) return 2;
  const served = new Served(config);
  try {
    await served.gateway.start();
  } catch (error) {
    reportStartError(error);
    process.exit(1);
  }
  const port = served.gateway.ports[0] ?? 0;
  const host = hostOf(config);
  const at = `http://${host === "127.0.0.1" ? "localhost" : host}:${port}`;
  const visitors = new Visitors(() => ({ host: host.replace(/^\[|\]$/g, ""), port }));
  const oversight = await Oversight.open({
    config,
    problems,
    file: null,
    text: demoYaml(shops),
    commandLine: { values: { ...(options.listen ? { listen: [options.listen] } : {}), ...consoleOf(options) } },
    data: undefined,
    load: async () => ({ config, problems }),
    source: served.source,
    handlers: served.consoleHandlers(),
    ports: () => served.gateway.ports,
    reload: async () => ({ ok: false, said: "The demo has no file to read again." }),
    demo: new Demo(shops, visitors, () => `${at}/`),
  });
  visitors.perSecond = VISITORS_PER_SECOND;
  process.stdout.write(welcome(at, shops, oversight.consoleUrl));
  const stop = async (): Promise<void> => {
    visitors.close();
    served.gateway.close();
    await Promise.all(shops.map((shop) => shop.close()));
    await oversight.close();
    process.exit(0);
  };
  const nothing = async (): Promise<void> => {};
  onSignals({ reload: nothing, reopen: () => served.reopenLogs(), upgrade: nothing, drain: stop, stop });
  return undefined;
}

const consoleOf = ({ console: address }: DemoOptions) => (address === undefined ? {} : { console: address });

/** The shops, at ports beside each other. Another demo's have one that is down, maybe: only a whole block is free. */
export async function openShops(firstPort = FIRST_PORT): Promise<Shop[]> {
  for (let block = 0; block < BLOCKS && firstPort > 0; block++) {
    const opened = await openAt((index) => firstPort + block * SHOPS.length + index);
    if (opened) return opened;
  }
  return (await openAt(() => 0))!;
}

/** null = one of the ports is taken. */
async function openAt(portOf: (index: number) => number): Promise<Shop[] | null> {
  const company: Company = { shops: new Map(), orders: [] };
  const results = await Promise.allSettled(
    SHOPS.map((name, index) => startShop({ name, company, port: portOf(index) })),
  );
  const opened = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (opened.length === SHOPS.length) return opened;
  await Promise.all(opened.map((shop) => shop.close()));
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
  if (reasons.every((reason) => (reason as NodeJS.ErrnoException).code === "EADDRINUSE")) return null;
  throw reasons[0];
}

/** The demo's configuration, its endpoints called by the names of the shops. */
export function demoConfig(shops: readonly Pick<Shop, "name" | "address">[]): Config {
  const { config, problems } = loadConfig(demoYaml(shops), "demo", process.env);
  if (!config) throw new Error(`the demo's own configuration: ${problems.map((p) => p.message).join("; ")}`);
  return config;
}

/** What a goodgate.yaml of it would say. */
export function demoYaml(shops: readonly Pick<Shop, "name" | "address">[]): string {
  return `listen: [":8080"]
store: memory
upstreams:
  shop:
    endpoints:
${shops.map(({ name, address }) => `      - { name: ${name}, address: "${address}" }`).join("\n")}
    timeouts: { connect: 1s, head: 3s, idle-body: 5s, send: 5s }
    health: { path: /healthz, interval: 2s, timeout: 1s, rise: 2, fall: 3 }
    eject: { failures: 3, within: 10s, for: 5s, max: 67% }
    retry: { attempts: 3, within: 8s }
    hold: { for: 15s, requests: 2000, bytes: 16MiB }
routes:
  - { name: api, path: /api/*, proxy: shop }
  - { name: lab, path: /lab/*, proxy: shop }
  - { name: pages, path: /, proxy: shop }
`;
}

/** Where visitors find the gateway: all addresses are this machine's, too. */
function hostOf({ listeners }: Config): string {
  const address = listeners[0]?.address;
  if (address?.kind !== "tcp" || ["", "0.0.0.0", "::", "[::]"].includes(address.host)) return "127.0.0.1";
  return address.host.includes(":") && !address.host.startsWith("[") ? `[${address.host}]` : address.host;
}

function welcome(at: string, shops: readonly Shop[], consoleUrl: string | null): string {
  const told = consoleUrl === null || consoleUrl === STANDARD_CONSOLE ? "" : ` --console ${consoleUrl}`;
  const shop = `${at}/   the shop; the footer says which endpoint answered`;
  const tour = consoleUrl ? `${consoleUrl}/   the console: a short tour breaks a shop and shows what happens` : shop;
  const watch = `
  Watch  goodgate top${told}          the same in the terminal
         goodgate incidents${told}    what went wrong, and why
`;
  return `
  Goodgate demo: a small shop on three endpoints (${shops.map(({ name, port }) => `${name} at port ${port}`).join(", ")}),
  visitors who come and order (${VISITORS_PER_SECOND} requests a second), the gateway in front.

  Open   ${tour}
${consoleUrl ? `         ${shop}\n` : ""}         ${at}/lab   break an endpoint for a few seconds, or one request
${consoleUrl ? watch : ""}
  Try    curl -i ${at}/api/products
         curl -i ${at}/lab/fault/reset-before-head            a 502 with its name
         curl -i -H 'Accept: application/problem+json' ${at}/lab/fault/garbage-head
         curl -N ${at}/events                                 server-sent events

  Your own application: npm start -- http://localhost:3000          Stop: Ctrl-C

`;
}
