import fc from "fast-check";
import { test } from "vitest";
import { DIRECTIVES } from "../directives/table.ts";
import { askNginx } from "../real-nginx.fixture.ts";
import { confOf, lowered } from "./proxy.fixture.ts";
const word = fc.constantFrom("on","off","default","two","consistent","1","0","10s","4k","8","http://a","https://$host/","127.0.0.1:81","unix:/a","[::1]","a:b","$host","${host}","~^a","~*",'""',"error","http_500","200","any","keys_zone=y:1m","levels=1:2","max=1","weight=2","backup","user:rw","TLSv1.2","shared:z:1m","$","x$1","${","max_fails=1","fail_timeout=x","transparent","local");
test("differs", async () => {
  const seed = Number(process.env.SEED ?? 1);
  const out: string[] = []; let asked = 0, same = 0;
  for (const place of ["http","upstream","location"] as const) {
    const names = [...DIRECTIVES.values()].flat().filter((s) => /^http_(?:proxy|upstream\w*|ssl)$/.test(s.module) && s.contexts.includes(place) && s.args.block === "none");
    const words = fc.sample(fc.array(word, { minLength: 0, maxLength: 4 }), { numRuns: 3000, seed });
    let w = 0;
    for (const s of names) for (let i = 0; i < 3; i++) {
      const count = s.args.count; let args = words[w++]!;
      if (/^(TAKE1|FLAG)$/.test(count)) args = args.slice(0,1);
      const line = [s.name, ...args].join(" ") + ";";
      const text = place === "http" ? line : place === "upstream" ? `upstream u { server 127.0.0.1; ${line} }` : `server { location / { ${line} } }`;
      const real = await askNginx(new Map([["nginx.conf", confOf(text)]]));
      if (/unknown directive|host not found|open\(\)|BIO_new|cannot load|PEM_|SSL_CTX|failed \(/.test(real)) continue;
      asked++;
      const ours = lowered(text).told.find((t) => t.startsWith("[emerg]") && !/is not supported/.test(t)) ?? "accepted";
      if (ours === real) same++; else out.push(`${line}\n   nginx: ${real}\n   ours:  ${ours}`);
    }
  }
  console.log(asked, same, "\n" + out.join("\n"));
}, 120000);
