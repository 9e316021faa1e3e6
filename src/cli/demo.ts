// goodgate demo: a shop on three lab endpoints and the gateway in front, to be broken by button.
import { formatAddress } from "../config/address.ts";
import { configFromUrls, withOverrides } from "../config/load.ts";
import { type Company, startShop } from "../lab/shop.ts";
import { printProblems, reportStartError } from "./problems.ts";
import { openConsole, Served } from "./serve.ts";
import { onSignals } from "./signals.ts";

const SHOPS = ["shop-1", "shop-2", "shop-3"];

export interface DemoOptions {
  readonly listen?: string;
  readonly console?: string;
}

/** Starts the demo; resolves with an exit code where it cannot. */
export async function demo(options: DemoOptions): Promise<number | undefined> {
  const company: Company = { shops: new Map(), orders: [] };
  const shops = await Promise.all(SHOPS.map((name) => startShop({ name, company })));
  const loaded = configFromUrls(shops.map((shop) => `http://127.0.0.1:${shop.port}`));
  if (!loaded.config) throw new Error("the demo's own configuration has errors");
  const { config, problems } = withOverrides(loaded.config, {
    listen: options.listen ? [options.listen] : [],
    ...(options.console === undefined ? {} : { console: options.console }),
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
  const console_ = await openConsole(config, served.consoleHandlers());
  const at = `http://localhost:${served.gateway.ports[0]}`;
  process.stdout.write(
    welcome(
      at,
      shops.map((shop) => shop.port),
      console_ && formatAddress(console_.address),
    ),
  );
  const stop = async (): Promise<void> => {
    served.gateway.close();
    await Promise.all(shops.map((shop) => shop.close()));
    await console_?.close();
    process.exit(0);
  };
  const nothing = async (): Promise<void> => {};
  onSignals({ reload: nothing, reopen: () => served.reopenLogs(), upgrade: nothing, drain: stop, stop });
  return undefined;
}

function welcome(at: string, ports: readonly number[], consoleAddress: string | null): string {
  return `
  Goodgate demo: a small shop on three endpoints (ports ${ports.join(", ")}), the gateway in front.

  Open   ${at}/            the shop; the footer says which endpoint answered
         ${at}/lab         break an endpoint by button, and watch what visitors see
${consoleAddress ? `         http://${consoleAddress}/metrics\n` : ""}
  Try    curl -i ${at}/api/products
         curl -i ${at}/lab/fault/reset-before-head            a 502 with its name
         curl -i -H 'Accept: application/problem+json' ${at}/lab/fault/garbage-head
         curl -N ${at}/events                                 server-sent events

  Your own application: npm start -- http://localhost:3000          Stop: Ctrl-C

`;
}
