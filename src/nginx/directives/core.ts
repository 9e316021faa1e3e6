// The main context and events.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { BY_NODE, type DirectiveSpec, EVENTS, EVERYWHERE, MAIN, rowsOf } from "./spec.ts";

const core = rowsOf("core", "lowered");
const eventCore = rowsOf("event_core", "accepted", BY_NODE);
const devpoll = rowsOf("devpoll", "accepted", BY_NODE);
const epoll = rowsOf("epoll", "accepted", BY_NODE);
const eventport = rowsOf("eventport", "accepted", BY_NODE);
const iocp = rowsOf("iocp", "accepted", BY_NODE);
const kqueue = rowsOf("kqueue", "accepted", BY_NODE);
const regex = rowsOf("regex", "accepted", BY_NODE);
const threadPool = rowsOf("thread_pool", "accepted", BY_NODE);
const eventOpenssl = rowsOf("event_openssl", "accepted", BY_NODE);
const eventOpensslCache = rowsOf("event_openssl_cache", "accepted", BY_NODE);
const eventQuicBpf = rowsOf("event_quic_bpf", "accepted", BY_NODE);
const googlePerftools = rowsOf("google_perftools", "accepted", BY_NODE);

/** The main context and events. */
export const CORE: readonly DirectiveSpec[] = [
  core("daemon", MAIN, "FLAG", "flag", { default: "on" }),
  core("master_process", MAIN, "FLAG", "flag", { default: "on" }),
  core("timer_resolution", MAIN, "TAKE1", "time", { status: "accepted", why: BY_NODE }),
  core("pid", MAIN, "TAKE1", "string", { default: "logs/nginx.pid" }),
  core("lock_file", MAIN, "TAKE1", "string", { default: "logs/nginx.lock", status: "accepted", why: BY_NODE }),
  core("worker_processes", MAIN, "TAKE1", "own", { default: "1", once: true }),
  core("debug_points", MAIN, "TAKE1", { oneOf: ["stop", "abort"] }, { status: "accepted", why: BY_NODE }),
  core("user", MAIN, "TAKE12", "own", { default: "nobody nobody", once: true }),
  core("worker_priority", MAIN, "TAKE1", "own", { default: "0", once: true, status: "accepted", why: BY_NODE }),
  core("worker_cpu_affinity", MAIN, "1MORE", "own", { once: true, status: "accepted", why: BY_NODE }),
  core("worker_rlimit_nofile", MAIN, "TAKE1", "number", { status: "accepted", why: BY_NODE }),
  core("worker_rlimit_core", MAIN, "TAKE1", "offset", { status: "accepted", why: BY_NODE }),
  core("worker_shutdown_timeout", MAIN, "TAKE1", "time"),
  core("working_directory", MAIN, "TAKE1", "string", { status: "accepted", why: BY_NODE }),
  core("env", MAIN, "TAKE1", "own", { default: "TZ", status: "accepted", why: BY_NODE }),
  core("load_module", MAIN, "TAKE1", "own", {
    status: "accepted",
    why: "modules cannot be loaded; the directives of those that are missing are refused where they stand",
  }),
  core("include", EVERYWHERE, "TAKE1", "own"),
  core("error_log", MAIN, "1MORE", "own", { default: "logs/error.log error" }),

  eventCore("events", MAIN, "TAKE0 BLOCK", "own", { once: true }),
  eventCore("worker_connections", EVENTS, "TAKE1", "own", { default: "512", once: true }),
  eventCore("use", EVENTS, "TAKE1", "own", { once: true }),
  eventCore("multi_accept", EVENTS, "FLAG", "flag", { default: "off" }),
  eventCore("accept_mutex", EVENTS, "FLAG", "flag", { default: "off" }),
  eventCore("accept_mutex_delay", EVENTS, "TAKE1", "time", { default: "500ms" }),
  eventCore("debug_connection", EVENTS, "TAKE1", "own"),

  devpoll("devpoll_changes", EVENTS, "TAKE1", "number"),
  devpoll("devpoll_events", EVENTS, "TAKE1", "number"),

  epoll("epoll_events", EVENTS, "TAKE1", "number"),
  epoll("worker_aio_requests", EVENTS, "TAKE1", "number"),

  eventport("eventport_events", EVENTS, "TAKE1", "number"),

  iocp("iocp_threads", EVENTS, "TAKE1", "number"),
  iocp("post_acceptex", EVENTS, "TAKE1", "number"),
  iocp("acceptex_read", EVENTS, "FLAG", "flag"),

  kqueue("kqueue_changes", EVENTS, "TAKE1", "number"),
  kqueue("kqueue_events", EVENTS, "TAKE1", "number"),

  regex("pcre_jit", MAIN, "FLAG", "flag", { default: "off" }),

  threadPool("thread_pool", MAIN, "TAKE23", "own", { default: "default threads=32 max_queue=65536" }),

  eventOpenssl("ssl_engine", MAIN, "TAKE1", "own", { once: true }),

  eventOpensslCache("ssl_object_cache_inheritable", MAIN, "FLAG", "flag", { default: "on" }),

  eventQuicBpf("quic_bpf", MAIN, "FLAG", "flag", { default: "off" }),

  googlePerftools("google_perftools_profiles", MAIN, "TAKE1", "string"),
];
