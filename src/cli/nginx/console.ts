// The console beside goodgate-nginx: nginx has none, so it is there only where GOODGATE_CONSOLE asks for it, by a port of
// loopback or an address. An nginx.conf cannot say it.
import { isProblem, parseAddress } from "../../config/address.ts";
import type { Address } from "../../config/config.ts";

/** The address that was asked for; null = none was; a text says why it cannot be. */
export function wantedConsole(wish = process.env["GOODGATE_CONSOLE"] ?? ""): Address | null | string {
  if (wish === "" || wish === "off") return null;
  const address = parseAddress(/^\d+$/.test(wish) ? `127.0.0.1:${wish}` : wish);
  return isProblem(address) ? `GOODGATE_CONSOLE "${wish}": ${address.message}` : address;
}
