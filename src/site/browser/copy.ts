// Copy buttons: the code beside the button goes to the clipboard, and the button says so for a while.

const SHOWN_MS = 2000;

/** Copies the code of the button's figure. */
export async function copyFrom(button: HTMLButtonElement): Promise<void> {
  const code = button.closest("figure")?.querySelector("code");
  if (!code) return;
  const text = code.textContent ?? "";
  const done = await write(text);
  if (!done) select(code);
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  announce(done ? "Copied" : "Selected, press Control C to copy");
  setTimeout(() => {
    button.textContent = "Copy";
  }, SHOWN_MS);
}

/** Without a secure context there is no clipboard, and a reader can forbid it. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The code is selected instead.
    return false;
  }
}

function select(code: Element): void {
  const range = document.createRange();
  range.selectNodeContents(code);
  const selection = getSelection();
  selection?.removeAllRanges();
  selection?.addRange(range);
}

/** For those who hear the page. */
export function announce(text: string): void {
  const spoken = document.getElementById("spoken");
  if (spoken) spoken.textContent = text;
}
