// What happened to programs, from the lines that tell of it: starts, stops, reloads, crashes, kills, deploys, health checks
// that changed their mind. One row per sentence, as the program prints it. A row is tried on the lines whose kind has its
// words (kinds of lines are few), so a large log costs one look-up per line. Pure.
import type { LogTurn } from "./model.ts";

export interface Turn {
  readonly kind: LogTurn["kind"];
  readonly what: string;
}

interface Rule {
  readonly kind: LogTurn["kind"];
  readonly what: string;
  readonly pattern: RegExp;
  /** Does the line mean it after all? */
  readonly unless?: RegExp;
}

const rule = (kind: LogTurn["kind"], what: string, pattern: RegExp, unless?: RegExp): Rule =>
  unless ? { kind, what, pattern, unless } : { kind, what, pattern };

/** The first that fits says what happened; $1 in `what` is the first group. */
const RULES: readonly Rule[] = [
  // The system.
  rule(
    "oom-kill",
    "the kernel killed $1 for memory",
    /Out of memory: Kill(?:ed)? process \d{1,10} \(([^)\n]{1,64})\)/i,
  ),
  rule("oom-kill", "the kernel killed $1 for memory", /oom-kill:.{0,400}?task=([^,\s]{1,64})/),
  rule("oom-kill", "a cgroup ran out of memory", /Memory cgroup out of memory/),
  rule(
    "oom-kill",
    "$1 was killed for memory",
    /([\w@.\\:-]{1,200}\.(?:service|scope)): .{0,60}(?:oom-kill|OOM killer)/,
  ),
  rule(
    "oom-kill",
    "a container was killed for memory",
    /\bOOMKill(?:ed|ing)\b|\bcontainer oom\b|Memory quota exceeded.*R15|\bError R15\b/,
  ),
  rule("crash", "$1 crashed (segfault)", /\b([\w.-]{1,64})\[\d{1,10}\]: segfault at\b/),
  rule(
    "crash",
    "$1: main process exited ($2)",
    /([\w@.\\:-]{1,200}\.service): Main process exited, code=\w{4,7}, status=(\d{1,3}\/\w{1,20})/,
    /status=0\//,
  ),
  rule(
    "crash",
    "$1 failed",
    /([\w@.\\:-]{1,200}\.service): Failed with result '(?:exit-code|signal|core-dump|watchdog|timeout)'/,
  ),
  rule("start", "systemd restarts $1", /([\w@.\\:-]{1,200}\.service): Scheduled restart job/),
  rule("stop", "$1 stopped", /([\w@.\\:-]{1,200}\.service): (?:Deactivated successfully|Succeeded\.)/),
  rule(
    "start",
    "$1 started",
    /(?:^|: |\] )Started (?!process|server|worker|session|GET|POST|PUT|HEAD|DELETE|PATCH)([\w@.\\:-]{1,200}\.service|[A-Za-z][^\n]{2,100}?)\.?$/,
    /\b(?:Session|User Manager|User Runtime|slice|timer|cron|anacron)\b/i,
  ),
  rule(
    "stop",
    "$1 stopped",
    /(?:^|: |\] )Stopped ([\w@.\\:-]{1,200}\.service|[A-Z][^\n]{2,100}?)\.?$/,
    /\b(?:Session|User Manager|User Runtime|target|timer)\b/,
  ),
  rule("reload", "$1 reloaded", /(?:^|: |\] )Reloaded ([^\n]{2,100}?)\.?$/),
  // nginx.
  rule("reload", "nginx reloads its configuration", /\breconfiguring\b|signal 1 \(SIGHUP\) received/),
  rule("worker-killed", "an nginx worker was killed (signal 9)", /worker process \d{1,10} exited on signal 9\b/),
  rule(
    "crash",
    "an nginx worker crashed (signal $1)",
    /worker process \d{1,10} exited on signal (\d{1,2})\b/,
    /signal (?:1|2|3|9|15|17|28)\b/,
  ),
  rule(
    "crash",
    "an nginx worker exited with an error",
    /worker process \d{1,10} exited with (?:fatal )?code (\d{1,3})/,
    /code 0\b/,
  ),
  rule(
    "stop",
    "nginx stops",
    /signal (?:15 \(SIGTERM\)|3 \(SIGQUIT\)|2 \(SIGINT\)) received from .{0,60}(?:exiting|shutting down)/,
  ),
  rule("start", "nginx starts", /\bstart worker processes\b/),
  rule("start", "nginx starts", /notice\] .{0,30}nginx\/\d[\d.]+$/),
  // HAProxy.
  rule("health-down", "$1 is down", /[Ss]erver ([^\s]{1,200}) is (?:going )?DOWN\b/),
  rule("health-up", "$1 is up", /[Ss]erver ([^\s]{1,200}) is (?:going )?UP\b/),
  rule("health-down", "$1 has no server left", /(?:backend|proxy) '?([\w.:-]{1,120})'? has no server available/i),
  rule(
    "crash",
    "an HAProxy worker exited ($1)",
    /(?:Current )?[Ww]orker .{0,40}exited with code (\d{1,3})/,
    /code 0\b/,
  ),
  rule("reload", "HAProxy loaded its configuration", /\bLoading success\b|New worker .{0,40}forked/),
  rule("stop", "HAProxy stops", /Exiting Master process|haproxy.{0,40}Stopping (?:frontend|backend|proxy)/),
  // Application servers.
  rule("worker-killed", "gunicorn killed a worker that took too long", /WORKER TIMEOUT \(pid:\d{1,10}\)/),
  rule("worker-killed", "gunicorn's worker was killed ($1)", /Worker \(pid:\d{1,10}\) was sent (SIG[A-Z]{3,6})/),
  rule("crash", "gunicorn's worker exited ($1)", /Worker \(pid:\d{1,10}\) exited with code (\d{1,3})/, /code 0\b/),
  rule("start", "gunicorn starts", /Starting gunicorn/),
  rule("start", "gunicorn boots a worker", /Booting worker with pid/),
  rule("reload", "gunicorn reloads", /Handling signal: hup|Hang up: /),
  rule("stop", "gunicorn stops", /Handling signal: (?:term|int|quit)|Shutting down: Master/),
  rule("start", "uvicorn starts", /Started server process|Application startup complete/),
  rule("stop", "uvicorn stops", /Finished server process/),
  rule("worker-killed", "uWSGI ended a worker (harakiri)", /HARAKIRI (?:ON WORKER|!!!)|DAMN ! worker \d/),
  rule("start", "uWSGI starts", /spawned uWSGI (?:master|worker)/),
  rule("worker-killed", "PHP-FPM ended a child ($1)", /child \d{1,10} exited on signal (\d{1,2} \(SIG\w{3,5}\)?)/),
  rule(
    "worker-killed",
    "PHP-FPM ended a slow child",
    /execution timed out .{0,40}terminating|request_terminate_timeout/,
  ),
  rule("start", "PHP-FPM starts", /\bready to handle connections\b/),
  rule("stop", "PHP-FPM stops", /^\S{0,40} ?NOTICE: (?:Terminating|exiting)|Finishing \.\.\./),
  rule("reload", "PHP-FPM reloads", /NOTICE: Reloading in progress/),
  rule("worker-killed", "a Puma worker was ended", /Terminating timed out worker/),
  rule("start", "Puma starts", /\bPuma starting\b/),
  rule("start", "Spring Boot starts", /Started \w{1,80} in [\d.]{1,10} seconds/),
  // Node and its supervisors.
  rule("crash", "Node ran out of heap", /JavaScript heap out of memory|Reached heap limit/),
  rule(
    "crash",
    "a Node process crashed ($1)",
    /^(?:Uncaught )?((?:[A-Z]\w{0,60})?(?:Error|Exception))(?: \[\w{1,60}\])?: [\s\S]{0,2000}?\n\s{1,8}at [\s\S]{0,8000}?\nNode\.js v\d/,
  ),
  rule("crash", "a Node process crashed", /^Node\.js v\d{1,3}\.\d|triggerUncaughtException|\[nodemon\] app crashed/),
  rule(
    "crash",
    "pm2: $1 exited ($2)",
    /App \[([^\]\n]{1,80})\] exited with code \[(\d{1,3})\]/,
    /code \[0\] via signal \[SIGINT\]/,
  ),
  rule("start", "pm2: $1 is online", /App \[([^\]\n]{1,80})\] online/),
  rule("stop", "pm2 stops $1", /(?:Stopping app:|Deleting process )([\w.-]{1,80})/),
  rule(
    "start",
    "a server starts to listen",
    /\b(?:[Ss]erver|[Aa]pp(?:lication)?|[Ss]ervice) (?:is )?(?:now )?(?:listening|running|started) (?:on|at)\b|^(?:\S{1,40} )?[Ll]istening (?:on|at) (?:port |http|[\d.:[]|:\d)/,
  ),
  rule(
    "stop",
    "a program is asked to end ($1)",
    /\b(?:[Rr]eceived|[Cc]aught|[Gg]ot|[Hh]andling)(?: signal:?)? (SIG(?:TERM|INT|QUIT))\b/,
  ),
  // Platforms.
  rule(
    "crash",
    "Kubernetes: a container crashes again and again",
    /\bCrashLoopBackOff\b|Back-off restarting failed container/,
  ),
  rule("stop", "Kubernetes stops a container", /\bKilling\b.{0,120}Stopping container/),
  rule("start", "Kubernetes starts a container", /\bStarted\b\s.{0,120}Started container/),
  rule(
    "health-down",
    "Kubernetes: a readiness probe fails",
    /\bUnhealthy\b.{0,120}(?:Readiness|Liveness|Startup) probe (?:failed|errored)/,
  ),
  rule("deploy", "Kubernetes scales a deployment", /\bScaled (?:up|down) replica set ([\w.-]{1,120})/),
  rule("crash", "Heroku: a process exited ($1)", /Process exited with status (\d{1,3})\b/, /status (?:0|143)\b/),
  rule("crash", "Heroku: a dyno crashed", /State changed from \w{2,10} to crashed/),
  rule("start", "Heroku: a dyno is up", /State changed from starting to up/),
  rule("stop", "Heroku stops a dyno", /Stopping (?:all|remaining) processes with SIG/),
  rule("deploy", "Heroku: release $1", /Release (v\d{1,6}) created|Deploy [0-9a-f]{6,40} by /),
  rule(
    "stop",
    "Docker: a container ended ($1)",
    /\b(?:container (?:die|stop|kill)|exited with code (\d{1,3})$)/,
    /code 0$/,
  ),
  rule("start", "Docker: a container starts", /\bcontainer (?:re)?start\b/),
  rule(
    "deploy",
    "a deploy",
    /\b(?:deploy(?:ment)?|release|rollout) (?:of )?.{0,60}?(?:started|finished|complete[d]?|succeeded|done)\b|^.{0,60}\bDEPLOY(?:ED|ING)?\b/i,
    /error|failed to|undeploy/i,
  ),
  rule("start", "goodgate starts", /\bgoodgate .{0,40}(?:listens|listening|started)\b/i),
];

/** Words without which no row fits: looked for once in each kind of line. */
const HINT =
  /out of memory|oom|segfault|exited|Failed with result|restart|Deactivated|Succeeded|Start|Stop|Reload|reconfigur|SIG|start worker|nginx\/|DOWN|UP\b|no server available|Loading success|forked|TIMEOUT|Booting|Handling signal|Hang up|Shutting|Finish|startup complete|HARAKIRI|DAMN|spawned|terminat|ready to handle|exiting|Puma|heap|Error|Exception|Node\.js v|Uncaught|nodemon|App \[|Deleting|listening|running|CrashLoop|Back-off|Killing|Unhealthy|Scaled|State changed|Release|Deploy|rollout|container|goodgate|R15/i;

const KINDS_MAX = 16_384;

/** Finds turns; `key` is equal for lines of one kind. */
export function turnFinder(): (text: string, key: string | null) => Turn | null {
  /** Whether lines of a kind can be a turn. */
  const kinds = new Map<string, readonly Rule[]>();
  return (text, key) => {
    if (key === null) return null;
    let rules = kinds.get(key);
    if (rules === undefined) {
      if (kinds.size >= KINDS_MAX) kinds.clear();
      // Numbers differ within a kind, so what a row is strict about may fit later.
      rules = HINT.test(text) ? RULES.filter(({ pattern }) => looseOf(pattern).test(text)) : [];
      kinds.set(key, rules);
    }
    return rules.length === 0 ? null : turnOf(text, rules);
  };
}

const LOOSE = new Map<RegExp, RegExp>();

/** The same with any number where one certain number is asked for. */
function looseOf(pattern: RegExp): RegExp {
  let loose = LOOSE.get(pattern);
  if (!loose) {
    loose = new RegExp(pattern.source.replace(/signal 9\\b/, "signal \\d{1,2}\\b"), pattern.flags);
    LOOSE.set(pattern, loose);
  }
  return loose;
}

function turnOf(text: string, rules: readonly Rule[]): Turn | null {
  for (const { kind, what, pattern, unless } of rules) {
    const found = pattern.exec(text);
    if (!found || unless?.test(text)) continue;
    return {
      kind,
      what: what
        .replace("$1", found[1] ?? "")
        .replace("$2", found[2] ?? "")
        .replace(" ()", ""),
    };
  }
  return null;
}
