import { expect, test } from "vitest";
import { good, locationOf } from "./proxy.fixture.ts";

const ZONE = "proxy_cache_path /var/c/ keys_zone=z:1m;";

/** What a location with these lines keeps. */
const used = (lines: string, http = "") =>
  locationOf(good(`${ZONE} ${http} server { location / { proxy_pass http://127.0.0.1; ${lines} } }`)).settings.cache;

test("folders", () => {
  const lines = "levels=1:2:2 use_temp_path=off keys_zone=z:2m inactive=1d max_size=1g min_free=5m loader_files=3";
  expect(good(`proxy_cache_path c ${lines}; ${ZONE.replace("z:", "y:")}`).servers!.caches).toEqual([
    {
      name: "z",
      path: "/srv/c",
      levels: [1, 2, 2],
      useTempPath: false,
      keysBytes: 2_097_152,
      inactiveMs: 86_400_000,
      maxBytes: 1_073_741_824,
      minFreeBytes: 5_242_880,
    },
    {
      name: "y",
      path: "/var/c",
      levels: [],
      useTempPath: true,
      keysBytes: 1_048_576,
      inactiveMs: 600_000,
      maxBytes: 0,
      minFreeBytes: 0,
    },
  ]);
});

test("how the folder is kept in bounds", () => {
  const [cache] = good("proxy_cache_path c keys_zone=z:1m max_size=0 manager_files=2 manager_sleep=5;").servers!.caches;
  // Everything is above a size of 0, which is not the same as no bound.
  expect(cache).toMatchObject({ maxBytes: 1, manager: { files: 2, pauseMs: 5000 } });
});

test("nothing is kept where nobody says so", () => {
  expect(used("")).toBeNull();
  expect(used("proxy_cache off;", "proxy_cache z;")).toBeNull();
});

test("the standard", () => {
  expect(used("proxy_cache z;")).toEqual({
    cache: "z",
    key: "",
    valid: [],
    bypass: [],
    noCache: [],
    minUses: 1,
    methods: ["GET", "HEAD"],
    useStale: [],
    backgroundUpdate: false,
    revalidate: false,
    lock: null,
    convertHead: true,
    maxRangeOffset: -1,
  });
});

test("all that can be said, part of it inherited", () => {
  const http =
    "proxy_cache_valid 200 1m; proxy_cache_methods POST; proxy_cache_bypass $arg_a $arg_b; proxy_cache_lock on;";
  const lines = `proxy_cache $arg_zone; proxy_cache_key $host$uri; proxy_cache_valid 5s; proxy_cache_valid 404 any 1h;
    proxy_no_cache $arg_c; proxy_cache_min_uses 3; proxy_cache_use_stale updating error http_502; proxy_cache_lock_age 7s;
    proxy_cache_background_update on; proxy_cache_revalidate on; proxy_cache_convert_head off;
    proxy_cache_max_range_offset 1k;`;
  expect(used(lines, http)).toEqual({
    cache: "{$arg_zone}",
    key: "{$host}{$uri}",
    valid: [
      { statuses: [200, 301, 302], ms: 5000 },
      { statuses: [404], ms: 3_600_000 },
      { statuses: "any", ms: 3_600_000 },
    ],
    bypass: ["{$arg_a}", "{$arg_b}"],
    noCache: ["{$arg_c}"],
    minUses: 3,
    methods: ["GET", "HEAD", "POST"],
    useStale: ["updating", "error", "http_502"],
    backgroundUpdate: true,
    revalidate: true,
    lock: { timeoutMs: 5000, ageMs: 7000 },
    convertHead: false,
    maxRangeOffset: 1024,
  });
  expect(used("proxy_cache z; proxy_cache_use_stale error off;")!.useStale).toEqual([]);
});
