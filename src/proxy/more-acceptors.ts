// More connections accepted per turn of the event loop.
// libuv takes one connection from a listening socket each time the loop goes round. A loop with a thousand busy
// connections needs 20 ms for a turn: new ones would wait for seconds. Further descriptors of the same listening
// socket each take one. Node cannot duplicate a descriptor, but it can send one to a child, and the child can send it
// back: that is done once, and only where many connections are open, since each new connection then wakes all of them.
import { type ChildProcess, fork } from "node:child_process";
import type { Server } from "node:net";
import { fileURLToPath } from "node:url";

/** Open connections from which on more acceptors are worth their cost. */
export const MANY_CONNECTIONS = 128;
const ACCEPTORS = 16;
const ANSWER_MS = 10_000;

/** What a handle of a listening socket is to us: something that can be sent and listened on. */
type ListeningHandle = object;

/** Duplicates of the listening socket of `server`; none where this runtime has no handle to send. */
export function duplicateListener(server: Server): Promise<ListeningHandle[]> {
  const handle = (server as unknown as { _handle?: ListeningHandle | null })._handle;
  if (!handle) return Promise.resolve([]);
  const child = fork(fileURLToPath(new URL("./send-back.js", import.meta.url)), {
    execArgv: [],
    timeout: ANSWER_MS,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  return new Promise((resolve) => {
    const handles: ListeningHandle[] = [];
    const done = (): void => {
      child.kill();
      resolve(handles);
    };
    child.on("error", done);
    child.on("exit", done);
    child.on("message", (_message, received) => {
      if (received) handles.push(received as unknown as ListeningHandle);
      if (handles.length === ACCEPTORS - 1) done();
      else sendTo(child, handle);
    });
  });
}

function sendTo(child: ChildProcess, handle: ListeningHandle): void {
  // A bare handle, as node:cluster sends it; the declared types know sockets and servers only, which would listen there.
  child.send("copy", handle as unknown as Server, () => {});
}
