// A made-up answer of the box.
import type { Explanation } from "../../../explain/explanation.ts";

/** Every text is a refused connect, unless it says nothing of it. */
export function explained(input: string): Explanation {
  const at = input.indexOf("refused");
  const known = at >= 0;
  return {
    input,
    class: known ? "connect-refused" : null,
    confidence: known ? "proven" : "none",
    entry: known ? "/cause/connect-refused" : "/generated/0123456789ab",
    title: known ? "Nothing listens at the upstream address" : "Not known",
    summary: known ? "The upstream's machine answered that nothing listens on the port." : "",
    facts: { software: "nginx", upstream: "http://10.0.0.7:3000/cart", client: "203.0.113.9", errno: "111" },
    decisive: known ? [[at, at + 7]] : [],
    reasons: ["errno 111 is ECONNREFUSED on Linux"],
    settles: null,
    next: { text: "See whether the process runs.", command: "ss -ltnp 'sport = :3000'" },
    alternatives: [
      {
        class: "socket-missing",
        entry: "/cause/socket-missing",
        title: "Unix socket path does not exist",
        separates: "the path begins with unix:",
      },
    ],
    generated: !known,
    template: "zorgd[N]: …",
    page: known
      ? null
      : {
          title: "A line that no entry has",
          sections: [{ heading: "What was recognised", paragraphs: ["An address and a port."], steps: [] }],
        },
  };
}
