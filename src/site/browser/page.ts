// What every page brings: tabs, copy buttons, and the box, whose answering code is loaded only once somebody turns to
// it. Everything works on markup that is there without it.
import { copyFrom } from "./copy.ts";
import { openPanelOfAddress, upgradeTabs } from "./tabs.ts";

const page = document.body.dataset["page"];
const form = document.querySelector<HTMLFormElement>("form.explain");

for (const tabs of document.querySelectorAll<HTMLElement>(".tabs")) upgradeTabs(tabs);
openPanelOfAddress();
addEventListener("hashchange", openPanelOfAddress);

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("button.copy") : null;
  if (button) void copyFrom(button);
});

if (form) {
  const load = (): void => {
    import("./explainer.ts").then(({ attach }) => attach(form)).catch(sayThatItFailed);
  };
  form.addEventListener("focusin", load);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.dataset["asked"] = "yes";
    load();
  });
  if (page === "generated" && location.hash.length > 1) load();
  else if (page === "home") whenIdle(load);
}

function whenIdle(task: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(task, { timeout: 4000 });
  else setTimeout(task, 1500);
}

function sayThatItFailed(): void {
  const spoken = document.getElementById("spoken");
  if (!spoken) return;
  spoken.classList.remove("unseen");
  spoken.textContent = "The code that answers could not be loaded. Try again when the network is back.";
}
