// Which texts name a DNS server; what is asked of one is tested where it is used (doctor/probe/dns.test.ts).
import { expect, test } from "vitest";
import { askDns, dnsServerOf } from "./dns-ask.ts";

test.each([
  ["192.0.2.53", "192.0.2.53", 53],
  ["192.0.2.53:5353", "192.0.2.53", 5353],
  ["2001:db8::53", "2001:db8::53", 53],
  ["[2001:db8::53]", "2001:db8::53", 53],
  ["[2001:db8::53]:5353", "2001:db8::53", 5353],
  ["fe80::1%eth0", "fe80::1%eth0", 53],
])("%s is a server", (text, host, port) => {
  expect(dnsServerOf(text)).toEqual({ host, port });
});

test.each(["", "dns.example", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:70000", "[::1", "192.0.2.53:53:53"])(
  "“%s” is none",
  (text) => {
    expect(dnsServerOf(text)).toBeNull();
  },
);

test.each(["a..b", "x".repeat(64), `${"abcdefg.".repeat(40)}test`])(
  "a name that cannot be asked for is not",
  async (name) => {
    expect(await askDns({ host: "127.0.0.1", port: 9 }, name, "A", 1_000)).toMatchObject({
      ok: false,
      code: "EBADNAME",
    });
  },
);
