// Who is asking, and whether anything may be changed; and which gateway of the store the pages show.
import type { GatewayInfo } from "../../store/model.ts";
import type { SessionView } from "../model.ts";
import { api, loggedOut } from "./api.ts";
import { createStore, useStore } from "./store.ts";

export const session = createStore<SessionView | null>(null);

/** Asks the console who we are; without a session the login is shown (loggedOut). */
export async function loadSession(): Promise<void> {
  session.set(await api.session());
  loggedOut.set(false);
}

/** Whether this person may change anything. */
export const useAdmin = (): boolean => useStore(session, (value) => value?.role === "admin");

export const gateways = createStore<readonly GatewayInfo[]>([]);

/** "" = this gateway; an id; "all". Incidents and Traffic pass it on as `gateway`. */
export const chosenGateway = createStore("");

/** The chosen gateway as queries want it; undefined = this one. */
export function useGateway(): string | undefined {
  return useStore(chosenGateway, (value) => (value === "" ? undefined : value));
}
