// What is exported, read by somebody else's code: Google's protobuf library, with a definition of what collectors read
// (test/otlp/). Debian: protobuf-compiler, python3-protobuf; without them it is skipped.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attempt, exchange, failure } from "../src/observe/record.fixture.ts";
import { OtlpReceiver } from "../src/observe/traces/otlp-receiver.fixture.ts";
import { Tracer } from "../src/observe/traces/tracer.ts";
import type { RequestHead } from "../src/wire/head.ts";
import { parseRequestHead } from "../src/wire/request-head.ts";
import { isInstalled, runCommand } from "./command.ts";

const DEFINITION = fileURLToPath(new URL("otlp/", import.meta.url));
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

/** A Python that has the library; Debian's may stand behind another in PATH. */
async function pythonWithProtobuf(): Promise<string | null> {
  if (!isInstalled("protoc")) return null;
  for (const python of ["python3", "/usr/bin/python3"]) {
    const ran = await runCommand(python, ["-c", "import google.protobuf"]).catch(() => ({ code: 1 }));
    if (ran.code === 0) return python;
  }
  return null;
}

const python = await pythonWithProtobuf();
if (python === null)
  console.warn("protoc or python3-protobuf is not here: the check of OTLP by Google's library is skipped");

let folder: string;
let receiver: OtlpReceiver;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-otlp-"));
  receiver = new OtlpReceiver();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await receiver.close();
});

test.skipIf(python === null)(
  "Google's protobuf library reads what is exported, and finds in it what was meant",
  async () => {
    const url = await receiver.start();
    const tracer = new Tracer({ url, headers: {}, sample: 0, service: "shop" }, "1.0.0", { batchMs: 60_000 });
    const text = Buffer.from(
      `GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-${TRACE}-${SPAN}-01\r\ntracestate: a=1\r\n\r\n`,
    );
    const limits = { lineBytes: 8192, headBytes: 65_536, fields: 100 };
    const head = parseRequestHead(text, 0, text.length, limits) as RequestHead;
    const refused = failure("connect-refused", { errno: "ECONNREFUSED", address: "10.0.0.7:3000" });
    const attempts = [
      attempt({ status: 0, reused: false, headAt: 0, sentAt: 0, failure: refused }),
      attempt({ endpoint: "b:1" }),
    ];
    tracer.exchangeEnded(exchange({ trace: tracer.begin(head, ""), attempts, heldMs: 1.5 }), 1_790_000_000_000.25);
    const shown = exchange({ trace: tracer.begin(head, ""), attempts: [attempts[0]!], status: 502, failure: refused });
    tracer.exchangeEnded(shown, 1_790_000_000_000);
    await tracer.close(5000);

    const made = await runCommand("protoc", ["-I.", `--python_out=${folder}`, "trace_export.proto"], DEFINITION);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const read = await runCommand(python!, [join(DEFINITION, "read.py"), folder], undefined, receiver.bodies[0]);
    expect(read, read.stderr).toMatchObject({ code: 0 });
    const spans = JSON.parse(read.stdout) as Record<string, unknown>[];
    expect(spans).toHaveLength(5);
    expect(spans[0]).toMatchObject({
      traceId: TRACE,
      parentSpanId: SPAN,
      traceState: "a=1",
      flags: 0x301,
      name: "GET shop",
      kind: 2,
      end: "1790000000000250000",
      status: 0,
      attributes: { "http.response.status_code": 200, "goodgate.held_ms": 1.5, "goodgate.saved_by": "hold" },
    });
    expect(spans[1]).toMatchObject({ parentSpanId: spans[0]!["spanId"], kind: 3, status: 2 });
    expect(spans[2]).toMatchObject({ events: ["request sent", "response head"], status: 0 });
    expect(spans[3]).toMatchObject({ status: 2, attributes: { "error.type": "connect-refused" } });
  },
);
