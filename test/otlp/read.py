# Reads an ExportTraceServiceRequest (JSON, standard input) as a collector would, and prints its spans as JSON.
# Argument: the folder with what protoc made of the definition.
import base64, json, sys

sys.path.insert(0, sys.argv[1])
from google.protobuf import json_format
import trace_export_pb2

document = json.load(sys.stdin)
# OTLP writes ids in hex where protobuf's JSON has base64: the one difference (besides enums as numbers only).
for resource in document["resourceSpans"]:
    for scope in resource["scopeSpans"]:
        for span in scope["spans"]:
            for name in ("traceId", "spanId", "parentSpanId"):
                if name in span:
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
request = json_format.Parse(
    json.dumps(document), trace_export_pb2.ExportTraceServiceRequest(), ignore_unknown_fields=False
)
# Through the binary form and back: what a collector stores.
stored = trace_export_pb2.ExportTraceServiceRequest.FromString(request.SerializeToString())


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(each) for each in any_value.array_value.values]
    return getattr(any_value, kind)


spans = [
    {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind,
        "start": str(span.start_time_unix_nano),
        "end": str(span.end_time_unix_nano),
        "status": span.status.code,
        "message": span.status.message,
        "events": [event.name for event in span.events],
        "attributes": {each.key: value(each.value) for each in span.attributes},
    }
    for resource in stored.resource_spans
    for scope in resource.scope_spans
    for span in scope.spans
]
json.dump(spans, sys.stdout)
