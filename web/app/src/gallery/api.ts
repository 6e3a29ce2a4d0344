import { type MediaReference, parseReference } from "coatcheck";
import { field, listIn, requestJson } from "../conversations/http.ts";

/** Media that the server keeps for this reader, with the message that first shows it. */
export interface ListedMedia {
  readonly reference: MediaReference;
  readonly conversationId: string | null;
  readonly messageId: string | null;
}

/** Media, newest first; `before` leads to older ones, null where there are none. */
export interface MediaPage {
  readonly media: readonly ListedMedia[];
  readonly before: string | null;
}

/** As many as the server gives at once. */
export const PAGE_SIZE = 200;

/** The newest media, or those after a place in the list. */
export async function fetchMedia(before: string | null, signal: AbortSignal): Promise<MediaPage> {
  const search = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (before !== null) {
    search.set("before", before);
  }
  const body = await requestJson(`/api/media?${search}`, { signal });
  const next = field(body, "before");
  return {
    media: listIn(body, "media").flatMap((entry) => readEntry(entry) ?? []),
    before: typeof next === "string" ? next : null,
  };
}

function readEntry(entry: unknown): ListedMedia | null {
  const reference = parseReference(field(entry, "reference"));
  return reference === null
    ? null
    : {
        reference,
        conversationId: textIn(entry, "conversationId"),
        messageId: textIn(entry, "messageId"),
      };
}

function textIn(entry: unknown, name: string): string | null {
  const value = field(entry, name);
  return typeof value === "string" ? value : null;
}
