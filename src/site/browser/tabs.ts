// Tabs after the WAI-ARIA pattern: one stop for the Tab key, arrows, Home and End move and open. The markup hides and
// shows by the class "on" before this runs; here come roles, keys and addresses (#haproxy opens its panel).

/** Adds roles and keys to a group of tabs. */
export function upgradeTabs(group: HTMLElement): void {
  const list = group.querySelector<HTMLElement>(".tablist");
  if (!list) return;
  list.setAttribute("role", "tablist");
  const buttons = buttonsOf(list);
  for (const button of buttons) {
    const panel = document.getElementById(button.dataset["panel"] ?? "");
    if (!panel) continue;
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", button.id);
    panel.tabIndex = 0;
  }
  const open = buttons.find((button) => button.classList.contains("on")) ?? buttons[0];
  if (open) select(buttons, open);
  list.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button) select(buttons, button);
  });
  list.addEventListener("keydown", (event) => {
    const next = neighbour(buttons, event.key);
    if (!next) return;
    event.preventDefault();
    select(buttons, next);
    next.focus();
  });
}

function buttonsOf(list: Element): HTMLButtonElement[] {
  return [...list.querySelectorAll("button")];
}

function neighbour(buttons: readonly HTMLButtonElement[], key: string): HTMLButtonElement | undefined {
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const count = buttons.length;
  if (key === "ArrowRight") return buttons[(at + 1) % count];
  if (key === "ArrowLeft") return buttons[(at - 1 + count) % count];
  if (key === "Home") return buttons[0];
  return key === "End" ? buttons[count - 1] : undefined;
}

function select(buttons: readonly HTMLButtonElement[], chosen: HTMLButtonElement): void {
  for (const button of buttons) {
    const on = button === chosen;
    button.classList.toggle("on", on);
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
    document.getElementById(button.dataset["panel"] ?? "")?.classList.toggle("on", on);
  }
}

/** An address that names a panel, or something inside one, opens it. */
export function openPanelOfAddress(): void {
  const target = location.hash.length > 1 ? document.getElementById(decoded(location.hash.slice(1))) : null;
  const panel = target?.closest(".panel");
  const button = panel && document.querySelector<HTMLButtonElement>(`button[data-panel="${CSS.escape(panel.id)}"]`);
  const list = button?.closest(".tablist");
  if (!target || !button || !list) return;
  select(buttonsOf(list), button);
  target.scrollIntoView();
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    // A stray "%" is itself.
    return fragment;
  }
}
