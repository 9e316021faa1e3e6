// Browsers that do not get on with connections that are kept: Internet Explorer up to 6 after a POST, Safari on a Mac
// at any time (keepalive_disable). They are known by what they call themselves.

/** Whether the connection may be kept behind a request of this browser; `disable` names "msie6", "safari". */
export function keepAliveAllowed(userAgent: string | undefined, method: string, disable: readonly string[]): boolean {
  if (userAgent === undefined || disable.length === 0) return true;
  if (method === "POST" && disable.includes("msie6") && isOldMsie(userAgent)) return false;
  return !(disable.includes("safari") && isSafari(userAgent));
}

/** Internet Explorer 4, 5, or 6 before Windows XP's second service pack ("SV1"). */
function isOldMsie(userAgent: string): boolean {
  const at = userAgent.indexOf("MSIE ");
  if (at < 0 || at + 7 >= userAgent.length || userAgent[at + 6] !== "." || userAgent.includes("Opera")) return false;
  const version = userAgent[at + 5]!;
  return version === "4" || version === "5" || (version === "6" && !userAgent.includes("SV1", at + 8));
}

function isSafari(userAgent: string): boolean {
  if (!userAgent.includes("Safari/") || !userAgent.includes("Mac OS X")) return false;
  const msie = userAgent.indexOf("MSIE ");
  if (msie >= 0 && msie + 7 < userAgent.length) return false;
  return !["Opera", "Gecko/", "Chrome/"].some((other) => userAgent.includes(other));
}
