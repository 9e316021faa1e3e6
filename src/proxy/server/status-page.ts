// The page of stub_status, as monitoring tools read it.
import type { ServerRequest } from "./request.ts";

/** Accepted and handled are the same here: what is accepted is handled. */
export function statusPage(request: ServerRequest): string {
  const { gateway } = request.exchange.client;
  const { active, reading, writing, waiting } = gateway.connectionCounts;
  const { accepted, requests } = gateway;
  return (
    `Active connections: ${active} \nserver accepts handled requests\n ${accepted} ${accepted} ${requests} \n` +
    `Reading: ${reading} Writing: ${writing} Waiting: ${waiting} \n`
  );
}
