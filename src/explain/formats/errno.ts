// Numbers and texts of system errors as names. The number decides over the text, which may be translated; the numbers of
// Linux, of macOS and the BSDs, of Solaris and of Windows do not collide among the errors that gateways see.

const NAMES: readonly (readonly [name: string, numbers: readonly number[], texts: readonly string[]])[] = [
  ["EPERM", [1], ["operation not permitted"]],
  ["ENOENT", [2], ["no such file or directory", "the system cannot find the file specified"]],
  ["EIO", [5], []],
  ["EAGAIN", [11, 35, 10035], ["resource temporarily unavailable", "try again"]],
  ["ENOMEM", [12], ["cannot allocate memory", "out of memory"]],
  ["EACCES", [13, 10013], ["permission denied"]],
  ["EINVAL", [22, 10022], ["invalid argument"]],
  ["ENFILE", [23], ["too many open files in system"]],
  ["EMFILE", [24, 10024], ["too many open files", "no file descriptors available"]],
  ["ENOSPC", [28], ["no space left on device"]],
  ["EPIPE", [32], ["broken pipe"]],
  ["EPROTO", [71], ["protocol error"]],
  ["EADDRINUSE", [98, 48, 125, 10048], ["address already in use", "address in use"]],
  [
    "EADDRNOTAVAIL",
    [99, 49, 126, 10049],
    ["cannot assign requested address", "can't assign requested address", "address not available"],
  ],
  ["ENETDOWN", [100, 50, 127, 10050], ["network is down"]],
  ["ENETUNREACH", [101, 51, 128, 10051], ["network is unreachable", "network unreachable"]],
  ["ECONNABORTED", [103, 53, 130, 10053], ["software caused connection abort", "connection aborted"]],
  [
    "ECONNRESET",
    [104, 54, 131, 10054],
    ["connection reset by peer", "connection reset", "an existing connection was forcibly closed by the remote host"],
  ],
  ["ENOBUFS", [105, 55, 132, 10055], ["no buffer space available"]],
  [
    "ENOTCONN",
    [107, 57, 134, 10057],
    ["transport endpoint is not connected", "socket is not connected", "socket not connected"],
  ],
  ["ETIMEDOUT", [110, 60, 145, 10060], ["connection timed out", "operation timed out"]],
  [
    "ECONNREFUSED",
    [111, 61, 146, 10061],
    ["connection refused", "no connection could be made because the target machine actively refused it"],
  ],
  ["EHOSTDOWN", [112, 64, 147, 10064], ["host is down"]],
  ["EHOSTUNREACH", [113, 65, 148, 10065], ["no route to host", "host is unreachable"]],
  ["EBADF", [9], ["bad file descriptor"]],
  ["ENOTFOUND", [11001, -3008], ["no such host is known"]],
  ["EAI_AGAIN", [11002, -3001], ["temporary failure in name resolution"]],
  ["EAI_NODATA", [-3007], []],
];

/** libuv's own numbers on Windows, where errors have none that could be negated. */
const LIBUV_WINDOWS: Readonly<Record<number, string>> = {
  4039: "ETIMEDOUT",
  4047: "EPIPE",
  4058: "ENOENT",
  4062: "ENETUNREACH",
  4066: "EMFILE",
  4073: "EHOSTUNREACH",
  4077: "ECONNRESET",
  4078: "ECONNREFUSED",
  4079: "ECONNABORTED",
  4091: "EADDRINUSE",
  4092: "EACCES",
};

const BY_NUMBER = new Map(NAMES.flatMap(([name, numbers]) => numbers.map((number) => [number, name] as const)));
const BY_TEXT = new Map(NAMES.flatMap(([name, , texts]) => texts.map((text) => [text, name] as const)));
const KNOWN = new Set([...NAMES.map(([name]) => name), "EAI_FAIL", "EAI_NONAME", "ESRCH", "EHOSTDOWN", "ENOTSOCK"]);

/** The name behind a number, as printed: 111, -111 (libuv), 10061, -4078. */
export function errnoOfNumber(number: number): string | undefined {
  return BY_NUMBER.get(number) ?? BY_NUMBER.get(-number) ?? LIBUV_WINDOWS[Math.abs(number)];
}

/** The name behind a text in English, as glibc, musl, the BSDs or Windows print it. */
export function errnoOfText(text: string): string | undefined {
  return BY_TEXT.get(text.trim().toLowerCase().replace(/\.$/, ""));
}

/** The word is the name of a system error. */
export function isErrnoName(word: string): boolean {
  return KNOWN.has(word);
}

/** "(111: Connection refused)": the text decides where it is known, as numbers differ between systems. */
export function errnoOf(number: string, text: string): string | undefined {
  return errnoOfText(text) ?? errnoOfNumber(Number(number));
}
