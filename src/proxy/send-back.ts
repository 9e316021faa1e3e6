// The child of more-acceptors.ts: sends every handle that it is sent back to where it came from.
process.on("message", (_message, handle) => {
  process.send?.("copy", handle, () => {});
});
process.send?.("ready");
