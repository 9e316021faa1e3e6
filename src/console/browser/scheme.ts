// Light or dark: as the system says, or as somebody chose here (kept in this browser). Charts are painted, not styled:
// they watch `scheme` and draw themselves anew.
import { createStore, remembered } from "./store.ts";

export type Scheme = "light" | "dark";

/** "" = as the system says. */
export const chosenScheme = remembered("scheme");
export const scheme = createStore<Scheme>("light");

/** Sets the class of the root; once, before the first drawing. */
export function startScheme(): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    const chosen = chosenScheme.get();
    const dark = chosen === "" ? system.matches : chosen === "dark";
    document.documentElement.dataset["scheme"] = dark ? "dark" : "light";
    scheme.set(dark ? "dark" : "light");
  };
  system.addEventListener("change", apply);
  chosenScheme.subscribe(apply);
  apply();
}

/** From the system's to the other, and back. */
export function toggleScheme(): void {
  chosenScheme.set(scheme.get() === "dark" ? "light" : "dark");
}
