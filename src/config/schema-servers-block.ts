// A block as the file has it: settings, and what makes the response. A change is what a block says over the one
// around it.
import * as z from "zod/mini";
import { found, mapping, refusal } from "./fields.ts";
import { orNothing, orOff, plain, words } from "./forms.ts";
import { type Change, groupPart, type Parts, part, type RecordForm, record } from "./forms-record.ts";
import { type FileProxy, type FileTunnel, proxy, tunnel } from "./schema-servers-proxy.ts";
import { settings } from "./schema-servers-settings.ts";

type Settings = (typeof settings)["standard"];

/** All of a block; where the requests go is one of the last four. */
export type FileBlock = Settings & {
  readonly proxy: FileProxy;
  readonly tunnel: FileTunnel | null;
  readonly content: "files" | "status-page" | "empty-gif" | "random-index" | null;
  readonly unsupported: string | null;
};
export type BlockChange = Change<FileBlock>;

const TO_ONLY = z.pipe(
  z.string(),
  z.transform((to) => ({ to })),
);

/** Short form: the name of an upstream. */
function proxyPart() {
  const made = groupPart<FileProxy>(
    "proxy",
    proxy,
    "Requests go to an upstream; short form: its name. Without `to` and `url`: what holds for blocks within.",
  );
  const schema = z.union([TO_ONLY, made.form.schema], {
    error: ({ input }) => refusal(`expected the name of an upstream, or a mapping, found ${found(input)}`),
  });
  const short: RecordForm<FileProxy> = {
    ...proxy,
    writeChange: (change) => {
      const written = proxy.writeChange(change);
      return Object.keys(written).length === 1 && typeof written["to"] === "string"
        ? (written["to"] as never)
        : written;
    },
    visit: (raw, path, see) => {
      if (typeof raw === "string") see("upstream", raw, path);
      else proxy.visit?.(raw, path, see);
    },
  };
  return { ...made, form: { ...short, schema: schema as unknown as z.ZodMiniType<FileProxy> }, group: short };
}

const parts: Parts<FileBlock> = {
  proxy: proxyPart(),
  tunnel: part("tunnel", orOff(tunnel), "CONNECT requests become tunnels; { } leads where they ask for.", null),
  content: part(
    "content",
    orNothing(words("files", "status-page", "empty-gif", "random-index")),
    "What answers where nothing else does. Default: files.",
    null,
  ),
  unsupported: part("unsupported", orNothing(plain), "Answers 501 and says why.", null),
  ...settings.parts,
};

const made = record<FileBlock>(parts);

/** The keys of a block; `changes` reads a mapping that has no others. */
export const block = {
  ...made,
  changes: z.pipe(
    mapping({ ...made.shape }),
    z.transform((raw) => made.changeOf(raw as never)),
  ),
};
