// Names that are resolved at run time, asked of the DNS servers that the configuration names: A and AAAA records, or
// with a service the SRV records first and then the addresses of each of their targets. The records of the lowest
// priority are the servers, all others backups. Node tells no TTL of SRV records: that of the addresses holds.
import dns from "node:dns";
import type { ResolverConfig } from "../config/servers.ts";
import { dnsTtlQuery, type TtlQuery } from "../net/resolve.ts";
import type { NameQuery } from "./name-watch.ts";

type SrvQuery = (name: string) => Promise<readonly dns.SrvRecord[]>;

/** Asks these servers. */
export function nameQueryOf({ servers, timeoutMs }: ResolverConfig): NameQuery {
  const resolver = new dns.promises.Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers(servers);
  return queryBy(dnsTtlQuery(servers), (name) => resolver.resolveSrv(name));
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
      const { name, port, weight, priority } = records[index]!;
      const backup = priority !== lowest;
      return answer.value.map((one) => ({ ...one, port, weight: weight || 1, server: name, backup }));
    });
  };
}

/** "http" is "_http._tcp.NAME"; what has a dot stands before the name as it is. */
function serviceName(service: string, host: string): string {
  return service.includes(".") ? `${service}.${host}` : `_${service}._tcp.${host}`;
}
