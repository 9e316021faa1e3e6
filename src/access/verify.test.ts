import fc from "fast-check";
import { expect, test } from "vitest";
import { type Verdict, verifyAtOnce, verifySlowly } from "./verify.ts";

// Made by the crypt(3) of libxcrypt.
const CRYPT: readonly (readonly [password: string, entry: string])[] = [
  ["password", "sa3tHJ3/KuYvI"],
  ["password", "..UZoIyj/Hy/c"],
  ["password", "$1$salt$qJH7.N4xYta3aEG/dfqo/0"],
  ["password", "$1$$I2o9Z7NcvQAKp7wyCTlia0"],
  ["password", "$5$saltstring$OH4IDuTlsuTYPdED1gsuiRMyTAwNlRWyA6Xr3I4/dQ5"],
  ["password", "$5$rounds=1400$anotherlongsalts$87EGYaZ5e.A4qxHNIAtpTOXMHgQkTK7HhX2JU8P.n.A"],
  ["password", "$6$saltstring$adDbXsJjcDlq2662QPgd.tkSOVmnG9Tt3oXl4HR60SusC3AGjirnDenVZp3DGwLwqy6iYKCzannhaX9DR72nN1"],
  [
    "password",
    "$6$rounds=1000$roundstoolow$rumDPI.SAf/N11VQYH1ub3Sx0y9pGvBo8Cdt6IjrnL.kpSqq5u3VlborVFx/rjYNXS8Q.ksojNA.C1EnJbgvo0",
  ],
  ["password", "$6$$bLTg4cpho8PIUrjfsE7qlU08Qx2UEfw..xOc6I1wpGVtyVYToGrr7BzRdAAnEr5lYFr1Z9WcCf1xNZ1HG9qFW1"],
  ["password", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.aDV7CQarKHMuNfh2oJkFzsHZya4whFe"],
  ["password", "$2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"],
  ["", "saFLGt/QKS6yw"],
  ["", "..X8NBuQ4l6uQ"],
  ["", "$1$salt$UsdFqFVB.FsuinRDK5eE.."],
  ["", "$1$$qRPK7m23GJusamGpoGLby/"],
  ["", "$5$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7"],
  ["", "$5$rounds=1400$anotherlongsalts$7IcTVudmZDHdXM3GIn4KAxA5tvn.eciiARdqRBeqNs/"],
  ["", "$6$saltstring$kyGrqt6gmjAdtFLPrflEFifSYLCWWq1pyx95SvqinLDy2UHmj0sTF0MSLMwxPFZc3tu5kQckI8fks0zOPda3n1"],
  [
    "",
    "$6$rounds=1000$roundstoolow$FbGJa2cN7X1oOy/vdHJmVcHMYxGfw.yEPe9H9LlAjrQiAheUMPHJfBWBz1tsMg/YuC4ZZUe7GViu2bGZz2X961",
  ],
  ["", "$6$$/chiBau24cE26QQVW3IfIe68Xu5.JQ4E8Ie7lcRLwqxO5cxGuBhqF2HmTL.zWJ9zjChg3yJYFXeGBQ2y3Ba1d1"],
  ["", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"],
  ["", "$2y$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq"],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "saqFNEvLdDET."],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "..wZOC6eX9I1M"],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$1$salt$G5yZO1LD.okB43XK4qu2H/"],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$1$$tfkQpLLTgAbss6O92sCcm1"],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$5$saltstring$3PViSbfSztd5hizYUP/4RT6QViUnCV0bVBXhRIYPdD3"],
  [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "$5$rounds=1400$anotherlongsalts$26AohAQO28jaU.hHVJe9Cit4CtKlM/qLcd3aY1g0036",
  ],
  [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "$6$saltstring$NB0p8xB.Wxur2sXwqX7C0ePiVRpdLLWmtAHfgG5H34Jf5QwdmVF9/d8rlnVoBFcna2qRSdxZ3blKpoTsz2tPV0",
  ],
  [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "$6$rounds=1000$roundstoolow$OJIiPnZzc8z.8SYBJdShuQhBkpfjVYDKADnZC04yQu3Ii/QJv1L9Or3wqaH9AqNjI5f6np/VoEXjjB2h3x3pk1",
  ],
  [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "$6$$7DvpzBh3o3kYTo7udUKWWXcZRSFxtiA1BZahlxhmg3wQv1fcRVZdaG72gVKTGeEHcn2kl5iU07.dOgSD2gzWQ/",
  ],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.jCfS.UwLSL3jH5pheeMm842AVwH4q3W"],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$2y$04$abcdefghijklmnopqrstuuk1T69mfJZ/2i.6K2fu09jDTT57beRM."],
  ["päss", "sang87WoN.uBE"],
  ["päss", "..Chwp.qboXIQ"],
  ["päss", "$1$salt$l2VGtrrDS6SYU7RcQwz0R1"],
  ["päss", "$1$$ezxP62j6we8AmveQgrzVp/"],
  ["päss", "$5$saltstring$6G3HI990O.FtcpzpgeQzNXoeB9pWn9YU.gVTtFgbMz/"],
  ["päss", "$5$rounds=1400$anotherlongsalts$Jw9c18UQv6AanoBFjAbrkRQt2MsraCtIPCjuyKE9mxD"],
  ["päss", "$6$saltstring$CoxdaS6Tm7cKJz.0a7sfzA1BgPrkxcckeT9l5tpg6fYMO1ZCS2yugTAnv7yXZAoWpDhDjauR6rdy1PhJ/807W."],
  [
    "päss",
    "$6$rounds=1000$roundstoolow$gd.PKaoIMYfswR6Cnm9iZbmzSp/.TjuRIDCrG5.NFARq9R4cwwxkrn9WC5Da8JBRXMu0yV7oFMbp0gGpVxNY6.",
  ],
  ["päss", "$6$$CzwKX.kA7/2IuP1HWQstt64m8F761HIPOK4u1lSnMgIrfGcB18BBcwjOABwP9T9XM/ORmjHnD/RMceajo8eCv0"],
  ["päss", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.5kpTD25GePrSUcfL0i1f4KqzkSTLlJu"],
  ["päss", "$2y$04$abcdefghijklmnopqrstuuF7KK/SfP9IRGj0pPJMr8GdtCS8xpmpC"],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "saYaye5cTigPA",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "..zVU3yhKAP0A",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$1$salt$51yAwGz/Iwg/GE904D3BF.",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$1$$FsAQmGZA342g7r4SCEypi/",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$5$saltstring$Oa4FAe3j12NEBjTMwR61FXUth0v2z1HlRVgHK3bteq/",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$5$rounds=1400$anotherlongsalts$u1CElcvxfRe/hGJVreAFSBT1biWzGYAyGObdCI4Fg0D",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$6$saltstring$MTEOJx1zhJ5109YzqYzCaFk55JWZM1QJeKTBu63saMo0UwwWLpCB56lyhLVgvClgMHXn3tBaHXoSTCac4QqUv0",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$6$rounds=1000$roundstoolow$.H5nSc.taLWZJGQvXL.j.1i1z/U1rhpsrkkAZrjeDF.7V92ZCkPTTN683YKMVso7JIAfVC60E4hPNvwd82c6m0",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$6$$E1jOAX/j7pEEFAI4SiVDeCt2ixbE.4L6zCPeL3iweI43q.pzh1cRjBizykg7KAUBqqQareoakLnBdguFttE951",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$2b$05$CCCCCCCCCCCCCCCCCCCCC.D7RDOYXakZhsFmh/LdqQNx0kQ424AFS",
  ],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$2y$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i",
  ],
];

// Made by htpasswd and openssl.
const TOOLS = [
  "$apr1$.XMiXwZB$0r/cMYR8m3g21KjNlqLxq1",
  "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.",
  "$2y$05$L3jrFZx8tFJDt2Veu0gc3ulCUW.yYmVJTK8khNoskHrjceH/68.zG",
  "W4goN16dZPCYM",
  "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
  "$6$nQOdOdpNfkJ5HTmU$4m3Wzt.OsVWytmNzlwsnKBaw.y1mg93Cb21qBeu47SpGza0MLySJTHmjLYngyIz9/WKFphhgsAc7I5fLRVkcC1",
  "$5$VUqygGmvPbW6/1tL$i.DMn365U3FidnxMtK3CoeiyZ0iz5bxK9vEuHDFBSoA",
  "{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0",
  "{PLAIN}password",
];

/** Byte text of an ordinary string. */
function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function verify(password: string, entry: string): Verdict {
  const atOnce = verifyAtOnce(password, entry);
  if (atOnce) return atOnce;
  const work = verifySlowly(password, entry);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

test.each(CRYPT)("%j fits %s", (password, entry) => {
  expect(verify(bytes(password), entry)).toBe("match");
  expect(verify(`y${bytes(password)}`, entry)).toBe("mismatch");
});

test.each(TOOLS)("%s is that of its password alone", (entry) => {
  expect(verify("password", entry)).toBe("match");
  expect(verify("Password", entry)).toBe("mismatch");
  expect(verify("", entry)).toBe("mismatch");
});

test("entries that are cut or garbled fit no password", () => {
  const broken = ["$1$", "$apr1$", "$5$", "{SSHA}_____wQadOA1e+/f+T+H3eCQQhRzYWx0", "{SSHA}Zm9vCg==", "{SHA}Zm9vCg=="];
  for (const entry of [...broken, "{SHA}_____Mm5Pz8GgiULbPgzG37mj9g=", "{SHA}", "{SSHA}", "aa", "{PLAIN}"]) {
    expect([entry, verify("1", entry)]).toEqual([entry, "mismatch"]);
  }
});

test("what no scheme here has made is said to be unsupported", () => {
  const entries = ["$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "", "!password", "x"];
  for (const entry of [...entries, "$2y$31$abcdefghijklmnopqrstuu", "$2y$05$short", "{CRYPT}sa3tHJ3/KuYvI"]) {
    expect([entry, verify("1", entry)]).toEqual([entry, "unsupported"]);
  }
});

test("of the traditional crypt eight characters count, a NUL ends a password, and 512 bytes are the most", () => {
  expect(verify("password and more", "sa3tHJ3/KuYvI")).toBe("match");
  expect(verify("password\0more", "{PLAIN}password")).toBe("match");
  expect(verify("x".repeat(513), "$6$saltstring$x")).toBe("mismatch");
});

test("a password that fits is the plain one, whatever bytes it has", () => {
  const text = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });
  const property = fc.property(text, text, (password, other) => {
    expect(verify(password, `{PLAIN}${password}`)).toBe("match");
    expect(verify(other, `{PLAIN}${password}`)).toBe(other === password ? "match" : "mismatch");
  });
  fc.assert(property, { numRuns: 200 });
});
