// What an entry of a shared zone costs. A zone of so many bytes holds as many keys here as it does in nginx, whose
// slab allocator rounds small entries up to a power of two and large ones up to whole pages: "10m" goes on meaning what
// people have worked out for it.
import type { Bytes } from "../std/units.ts";

const PAGE_BYTES = 4096;
/** A page and what the allocator notes down for it. */
const PAGE_COST_BYTES = PAGE_BYTES + 24;
/** The allocator's own head, and the pages that the zone's root and its name take. */
const HEAD_BYTES = 1024;
const HEAD_PAGES = 2;

/** How many bytes of entries fit into a zone. */
export function zoneCapacityBytes(zoneBytes: Bytes): Bytes {
  const pages = Math.floor((zoneBytes - HEAD_BYTES) / PAGE_COST_BYTES) - HEAD_PAGES;
  return Math.max(pages, 1) * PAGE_BYTES;
}

/** What an entry of this size takes of it. */
export function entryCostBytes(entryBytes: Bytes): Bytes {
  if (entryBytes > PAGE_BYTES / 2) return Math.ceil(entryBytes / PAGE_BYTES) * PAGE_BYTES;
  return 2 ** Math.ceil(Math.log2(Math.max(entryBytes, 8)));
}
