// A unified diff: signs tell what colours tell. "−" runs now, "+" stands in the file.
import { Empty } from "../ui/notes.tsx";

export function Diff({ diff }: { readonly diff: string }) {
  if (diff === "") return <Empty title="The file is what runs" />;
  const lines = diff.replace(/\n$/, "").split("\n");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="lines diff" tabIndex={0} aria-label="From what runs to the file as it is now">
      {lines.map((line, index) => {
        const kind = kindOf(line);
        return (
          <div key={index} class={`line ${kind}`}>
            {kind === "added" && <span class="unseen">added: </span>}
            {kind === "removed" && <span class="unseen">removed: </span>}
            <code>{line === "" ? "\u200b" : line}</code>
          </div>
        );
      })}
    </section>
  );
}

function kindOf(line: string): "head" | "added" | "removed" | "same" {
  if (/^(?:\+\+\+|---|@@)/.test(line)) return "head";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}
