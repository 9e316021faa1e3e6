// Names that are resolved at run time, asked of the DNS servers that the configuration names: A and AAAA records, or
// with a service the SRV records first and then the addresses of each of their targets. The records of the lowest
// priority are the servers, all others backups. The shortest TTL of all of them holds.
import type { DnsClient, DnsResult } from "../net/dns-client.ts";
import type { TtlQuery } from "../net/resolve.ts";
import type { Ms } from "../std/units.ts";
import type { DnsService } from "../wire/dns-message.ts";
import type { NameQuery } from "./name-watch.ts";

/** A service that DNS names; without a TTL that of its addresses holds. */
type FoundService = DnsService & { readonly ttl?: number };
type SrvQuery = (name: string) => Promise<readonly FoundService[]>;
type Known = Extract<DnsResult, { readonly ok: true }>;

/** Asks the servers of a client. */
export function nameQueryBy(client: DnsClient, timeoutMs: Ms): NameQuery {
  const answered = (look: (done: (result: DnsResult) => void) => unknown): Promise<Known> =>
    new Promise((resolve, reject) => {
      look((result) => (result.ok ? resolve(result) : reject(Object.assign(new Error(result.code), result))));
    });
  return queryBy(
    async (host) => {
      const { addresses, ttl } = await answered((done) => client.lookUp(host, timeoutMs, done));
      return addresses.map((address) => ({ address, ttl }));
    },
    async (name) => {
      const { services, ttl } = await answered((done) => client.lookUpServices(name, timeoutMs, done));
      return services.map((service) => ({ ...service, ttl }));
    },
  );
}

export function queryBy(addresses: TtlQuery, srv: SrvQuery): NameQuery {
  return async (host, service) => {
    if (service === "") return addresses(host);
    const records = await srv(serviceName(service, host));
    const lowest = Math.min(...records.map(({ priority }) => priority));
    const answers = await Promise.allSettled(records.map(({ name }) => addresses(name)));
    const refused = answers.find((answer) => answer.status === "rejected");
    if (refused && answers.every((answer) => answer.status === "rejected")) throw refused.reason;
    // What some targets lack is no reason to leave out the others.
    return answers.flatMap((answer, index) => {
      if (answer.status === "rejected") return [];
      const { name, port, weight, priority, ttl = Infinity } = records[index]!;
      const backup = priority !== lowest;
      return answer.value.map((one) => ({
        ...one,
        ttl: Math.min(ttl, one.ttl),
        port,
        weight: weight || 1,
        server: name,
        backup,
      }));
    });
  };
}

/** "http" is "_http._tcp.NAME"; what has a dot stands before the name as it is. */
function serviceName(service: string, host: string): string {
  return service.includes(".") ? `${service}.${host}` : `_${service}._tcp.${host}`;
}
