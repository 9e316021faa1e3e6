// Secrets out of text of any kind: log lines, heads, bodies, URLs, commands, JSON. What is secret is told by its name (a
// field, a parameter) or by its form (a JWT, a key block, the keys of well-known services); its value becomes "[redacted]",
// the name stays, because which cookie or parameter was sent helps. Words that mean something else in logs (code=H12,
// "key" in prose) count only as parameters of a URL. E-mail addresses, IP addresses and request ids stay. Every pattern is
// bounded, so the time is linear; what was redacted stays as it is when it is redacted again.

/** What stands in place of a secret. */
export const REDACTED = "[redacted]";

/** The text without its secrets. */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  let clean = text;
  for (const [pattern, replace] of RULES) clean = clean.replace(pattern, replace);
  return parameters(clean);
}

const NAME_AND_EQUALS = /([?&;]|&amp;|%3f|%26)([\w.\-[\]]{1,80}|(?:[\w.-]|%5b|%5d){1,120})(?:=|%3d)/gi;
const VALUE = /(?:(?!%26|&amp;)[^&\s"'<>#\\;,]){1,8192}/y;
/** Of a parameter of the path: the query comes behind it. */
const PATH_VALUE = /[^&\s"'<>#\\;,?/]{1,8192}/y;

/** Parameters of URLs, those of URLs within their values included. */
function parameters(text: string): string {
  let clean = "";
  let at = 0;
  for (const { index, 0: whole, 1: sign = "", 2: name = "" } of text.matchAll(NAME_AND_EQUALS)) {
    if (index < at || !PARAMETER.test(name)) continue;
    const pattern = sign === ";" ? PATH_VALUE : VALUE;
    pattern.lastIndex = index + whole.length;
    const value = pattern.exec(text)?.[0];
    // An error code or a status is no secret.
    if (value === undefined || /^\d{1,3}$/.test(value)) continue;
    clean += text.slice(at, index + whole.length) + REDACTED;
    at = index + whole.length + value.length;
  }
  return at === 0 ? text : clean + text.slice(at);
}

/** Fields of HTTP heads whose values are secret whatever they are. */
const FIELD_NAMES =
  /^(?:(?:proxy-)?authorization|cookie2?|set-cookie2?|(?:x-)?(?:api|auth|access|csrf|xsrf|amz-security|vault|goog-iap-jwt|ms-token|session|private|gitlab|shopify-access)[\w-]*(?:key|token|assertion|secret)|(?:x-)?(?:api-?key|auth-?token|access-?token|session-?(?:id|token))|cf-access-client-secret|x-goog-iap-jwt-assertion|x-amzn-oidc-data|www-authenticate-session)$/i;

/** The value of a field of an HTTP head as it may be shown: cookies keep their names and attributes, others nothing. */
export function redactField(name: string, value: string): string {
  const lower = name.toLowerCase();
  if (/^(?:set-)?cookie2?$/.test(lower)) return cookies(value);
  if (/^(?:proxy-)?authorization$/.test(lower)) return credentials(value);
  return FIELD_NAMES.test(lower) ? REDACTED : redactText(value);
}

/** Whether a parameter, field or variable of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return FIELD_NAMES.test(name) || PARAMETER.test(name);
}

type Replace = (substring: string, ...groups: string[]) => string;

/** Cheap: no line without one of these has anything to take out. */
const SUSPICIOUS =
  /authori[sz]ation|cookie|bearer|basic |digest |negotiate |ntlm |eyJ|PRIVATE KEY|:\/\/[^\s/]*@|[?&;]|%3[fF]|%26|pass|pwd|secret|token|api.?key|session|sess?id|signature|credential|private.?key|jwt|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]|gh[pousr]_|github_pat|xox[abeprs]-|[sr]k_live|\bsk-|glpat-|npm_|AIza|ya29|hooks\.slack|\/bot\d/i;

/** Words that make the name of a parameter secret wherever they stand in it. */
const LONG_WORDS =
  "token|secret|passw(?:or)?d|passphrase|api_?-?key|apikey|signature|credential|session|jwt|authoriz|access_?key|private_?key|csrf|xsrf|jsessionid|phpsessid";
/** Those that do as a word of their own only. */
const SHORT_WORDS =
  "key|sig|code|pass|pwd|auth|sid|otp|pin|state|nonce|hash|ticket|assertion|hmac|samlresponse|samlrequest";
const PARAMETER = new RegExp(`(?:${LONG_WORDS})|(?:^|[._\\-[]|%5b)(?:${SHORT_WORDS})(?:$|[._\\-\\]]|%5d)`, "i");

/** Outside of URLs: names that mean nothing else. */
const SURE_NAME =
  "[\\w.-]{0,60}(?:password|passwd|passphrase|client_?-?secret|api_?-?key|access_?-?token|refresh_?-?token|id_?-?token|auth_?-?token|secret_?-?(?:access_?-?)?key|private_?-?key|session_?-?(?:id|token|key)|sessionid|jsessionid|phpsessid|csrf_?-?token|xsrf_?-?token|_token|_secret|_pwd|connect\\.sid)";
/** Names that are secret only before "=" or in quotes: in prose they introduce a sentence. */
const BARE_NAME = "(?:secret|token|pwd|passwd|password|jwt)";

/** A text in quotes; in JSON that stands in JSON the quotes are escaped. */
const QUOTED = String.raw`(?:(["'])(?:\\[^\r\n]|(?!\2)[^\\\r\n]){1,4096}|(\\["'])(?:(?!\\["'])[^\r\n]){1,4096})`;

function inQuotes(_: string, head = "", quote = "", escaped = ""): string {
  return head + (quote || escaped || "") + REDACTED;
}

const RULES: readonly (readonly [pattern: RegExp, replace: Replace])[] = [
  [/-----BEGIN ([A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----[\s\S]{0,20000}?(?:-----END \1-----|$)/g, () => REDACTED],
  // Cookies before everything that would take their first value only. The quote may be escaped: JSON in JSON.
  [
    /\b((?:set[-_])?cookie2?\\?["']\s{0,4}:\s{0,4}\[)((?:\[redacted\]|[^\]\r\n]){1,16384})/gi,
    (_, head = "", list = "") => head + list.replace(/[^"'\\,][^"'\\]{0,8192}/g, cookies),
  ],
  [
    /\b((?:set[-_])?cookie2?(?:\\?["'])?\s{0,4}[:=]\s{0,4}(?:\\?["'])?)((?!\[\\?["'])[^\s"'\\;]{1,8192}(?:; ?[^\s"'\\;]{1,8192}){0,100})/gi,
    (_, head = "", value = "") => head + cookies(value),
  ],
  [
    /\b((?:proxy[-_])?authori[sz]ation(?:\\?["'])?\s{0,4}[:=]\s{0,4}(?:\[\s{0,4}(?=\\?["']))?(?:\\?["'])?)((?:[A-Za-z][\w-]{1,20} +)?(?:[\w-]{1,30}="[^"\r\n]{0,2000}"(?:, *)?|[^\s"'\\,;]{1,8192}(?:, *(?=[\w-]{1,30}=))?){1,20})/gi,
    (_, head = "", value = "") => head + credentials(value),
  ],
  [
    /\b((?:x[-_])?(?:api[-_]?key|auth[-_]token|access[-_]token|amz[-_]security[-_]token|vault[-_]token|csrf[-_]token|xsrf[-_]token|session[-_](?:id|token))(?:\\?["'])?\s{0,4}[:=]\s{0,4}(?:\\?["'])?)([^\s"'\\,;&]{1,8192})/gi,
    (_, head = "") => head + REDACTED,
  ],
  [
    /\b(bearer|basic|digest|negotiate|ntlm)( {1,4})([\w.~+/=-]{8,8192})/gi,
    (whole, scheme = "", blank = "", value = "") => (looksRandom(value) ? scheme + blank + REDACTED : whole),
  ],
  [/\beyJ[\w-]{8,4096}\.[\w-]{4,8192}(?:\.[\w-]{0,4096}){0,3}/g, () => REDACTED],
  [/\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{16}\b/g, () => REDACTED],
  [
    /\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|xox[abeprs]-[\w-]{10,255}|[sr]k_(?:live|test)_\w{10,255}|sk-[\w-]{20,255}|glpat-[\w-]{16,255}|npm_[A-Za-z0-9]{30,255}|AIza[\w-]{35}|ya29\.[\w-]{20,1024})/g,
    () => REDACTED,
  ],
  [/(hooks\.slack\.com\/services\/)[\w/]{10,200}/g, (_, head = "") => head + REDACTED],
  [/(\/bot)\d{6,12}:[\w-]{30,60}/g, (_, head = "") => head + REDACTED],
  // The last "@" before the path: passwords have some, too.
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#"'<>]{1,512}@(?=[^\s@])/gi, (_, scheme = "") => `${scheme}${REDACTED}@`],
  // name=value, name: value, "name":"value": in quotes up to the quote, else up to a blank.
  [new RegExp(`(?<![\\w.;?&-])(${SURE_NAME}\\\\?["']?\\s{0,4}[:=]\\s{0,4})${QUOTED}`, "gi"), inQuotes],
  [
    new RegExp(`(?<![\\w.;?&-])(${SURE_NAME}\\s{0,4}[:=]\\s{0,4})([^\\s"'\\\\,;&]{1,4096})`, "gi"),
    (_, head = "") => head + REDACTED,
  ],
  [new RegExp(`(\\\\?["']${BARE_NAME}\\\\?["']\\s{0,4}:\\s{0,4})${QUOTED}`, "gi"), inQuotes],
  [
    new RegExp(`(?<![\\w.-])(${BARE_NAME}=)("?)([^\\s"',;&]{1,4096})`, "gi"),
    (_, head = "", quote = "") => head + quote + REDACTED,
  ],
];

/** A scheme says how somebody was identified; what follows is the secret. */
function credentials(value: string): string {
  const scheme = /^([A-Za-z][\w-]{1,20}) +\S/.exec(value)?.[1];
  return scheme === undefined ? REDACTED : `${scheme} ${REDACTED}`;
}

const COOKIE_ATTRIBUTE =
  /^(?:(?:path|domain|expires|max-age|samesite|priority|version)=|(?:secure|httponly|partitioned)$)/i;

function cookies(value: string): string {
  const [first = "", ...others] = value.split(/; ?/);
  const blank = value.includes("; ") ? "; " : ";";
  return [cookie(first), ...others.map((part) => (COOKIE_ATTRIBUTE.test(part) ? part : cookie(part)))].join(blank);
}

function cookie(pair: string): string {
  const equals = pair.indexOf("=");
  return equals < 0 ? REDACTED : pair.slice(0, equals + 1) + REDACTED;
}

/** "Basic authentication" is prose: a secret has digits, signs, or capitals within. */
function looksRandom(value: string): boolean {
  return /\d|[+/=~]|[a-z][A-Z]|[A-Z]{2}[a-z]/.test(value);
}
