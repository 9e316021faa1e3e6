// The upstream where no C compiler is there: the same answers as upstream.c, from node:http. Slower, and the same for
// every proxy; the report says which of the two was used.
import { createServer } from "node:http";

const small = Buffer.alloc(1024, "x");
const large = Buffer.alloc(1024 * 1024, "x");

const server = createServer((request, response) => {
  let bytes = 0;
  request.on("data", (chunk) => {
    bytes += chunk.length;
  });
  request.on("end", () => {
    const body = request.method === "POST" ? Buffer.from(String(bytes)) : request.url === "/1m" ? large : small;
    response.writeHead(200, { "Content-Length": body.length }).end(body);
  });
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", 4096, () => process.stdout.write(`${server.address().port}\n`));
