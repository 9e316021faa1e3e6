// A network with a distance. On loopback a FIN arrives before anybody can send: the keep-alive race needs the time in
// which one side has closed and the other does not know yet. Every byte and every end takes `delayMs` each way; what
// reaches an end that is closed is answered with a reset, as a kernel does.
import { connect, createServer } from "node:net";

/** A front at `host` for the server at `target` (a port of loopback); resolves with its server, listening. */
export function openLink({ host, target, delayMs }) {
  const link = createServer({ allowHalfOpen: true, noDelay: true }, (near) => join(near, target, delayMs));
  return new Promise((resolve, reject) => {
    link.once("error", reject);
    link.listen(0, host, () => resolve(link));
  });
}

function join(near, target, delayMs) {
  const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
  let closed = false;
  const reset = () => setTimeout(() => near.resetAndDestroy(), delayMs);
  near.on("data", (chunk) => {
    setTimeout(() => {
      if (closed) reset();
      else far.write(chunk);
    }, delayMs);
  });
  near.on("end", () => setTimeout(() => far.end(), delayMs));
  near.on("close", () => setTimeout(() => far.destroy(), delayMs));
  far.on("data", (chunk) => setTimeout(() => near.write(chunk), delayMs));
  far.on("end", () => {
    closed = true;
    setTimeout(() => near.end(), delayMs);
  });
  // The server was sent something that it will not read any more, or never listened.
  far.on("error", () => {
    closed = true;
    reset();
  });
  // A link that was reset has no more to say.
  near.on("error", () => far.destroy());
}
