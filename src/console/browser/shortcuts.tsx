// The list of keys, opened by "?".
import { shortcutsOpen } from "./keys.ts";
import { PAGES } from "./pages.ts";
import { useStore } from "./store.ts";
import { Dialog } from "./ui/dialog.tsx";

export function Shortcuts() {
  const open = useStore(shortcutsOpen, (value) => value);
  if (!open) return null;
  return (
    <Dialog title="Keys" onClose={() => shortcutsOpen.set(false)}>
      <dl class="keys">
        {PAGES.filter(({ title }) => title !== "").map(({ title, key }) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>g</kbd> <kbd>r</kbd>
          </dt>
          <dd>Reference</dd>
        </div>
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>Search</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>This list</dd>
        </div>
      </dl>
    </Dialog>
  );
}
