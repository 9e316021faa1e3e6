// The pages: which address is whose, under which key, and where its code is (each loaded when it is first opened).
import type { FunctionComponent } from "preact";

export interface PageEntry {
  /** Below which path: "/incidents"; "/" is exact. */
  readonly path: string;
  /** In the navigation; "" = not there. */
  readonly title: string;
  /** "g" and then this. */
  readonly key: string;
  readonly load: () => Promise<FunctionComponent<PageProps>>;
}

export interface PageProps {
  /** What stands behind the path: "i0abc" of "/incidents/i0abc"; "" = nothing. */
  readonly rest: string;
}

/** The order of the navigation; of those that fit an address, the first wins. */
export const PAGES: readonly PageEntry[] = [
  { path: "/", title: "Now", key: "n", load: () => import("./now/page.tsx").then((part) => part.NowPage) },
  {
    path: "/incidents/",
    title: "",
    key: "",
    load: () => import("./incidents/one.tsx").then((part) => part.IncidentPage),
  },
  {
    path: "/incidents",
    title: "Incidents",
    key: "i",
    load: () => import("./incidents/page.tsx").then((part) => part.IncidentsPage),
  },
  {
    path: "/traffic",
    title: "Traffic",
    key: "t",
    load: () => import("./traffic/page.tsx").then((part) => part.TrafficPage),
  },
  {
    path: "/upstreams",
    title: "Upstreams",
    key: "u",
    load: () => import("./upstreams/page.tsx").then((part) => part.UpstreamsPage),
  },
  {
    path: "/config",
    title: "Config",
    key: "c",
    load: () => import("./config/page.tsx").then((part) => part.ConfigPage),
  },
  {
    path: "/doctor",
    title: "Doctor",
    key: "d",
    load: () => import("./doctor/page.tsx").then((part) => part.DoctorPage),
  },
  {
    path: "/explain",
    title: "Explain",
    key: "e",
    load: () => import("./explain/page.tsx").then((part) => part.ExplainPage),
  },
];

/** The page of an address, and what stands behind its path; null = there is none. */
export function pageAt(path: string): { readonly page: PageEntry; readonly rest: string } | null {
  for (const page of PAGES) {
    if (page.path === "/") {
      if (path === "/") return { page, rest: "" };
    } else if (page.path.endsWith("/")) {
      if (path.startsWith(page.path) && path.length > page.path.length)
        return { page, rest: decode(path.slice(page.path.length)) };
    } else if (path === page.path || path === `${page.path}/`) return { page, rest: "" };
  }
  return null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not an encoding of anything: as it stands.
    return text;
  }
}
