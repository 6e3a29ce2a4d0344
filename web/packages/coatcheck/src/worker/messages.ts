/** What a page tells its media worker. */
export type MediaWorkerMessage =
  /** Who the page's reader is, as its application names readers; null for an anonymous one. */
  | { readonly type: "coatcheck-principal"; readonly principal: string | null }
  /** The reader signed out: forget everything. */
  | { readonly type: "coatcheck-sign-out" }
  /** A new version waits: take over now. */
  | { readonly type: "coatcheck-update" };

/** Reads a message; null for anything that is none, for a page may post to its worker what it likes. */
export function parseMessage(data: unknown): MediaWorkerMessage | null {
  if (typeof data !== "object" || data === null) {
    return null;
  }
  const { type, principal } = data as Readonly<Record<string, unknown>>;
  switch (type) {
    case "coatcheck-principal":
      return principal === null || isName(principal) ? { type, principal } : null;
    case "coatcheck-sign-out":
    case "coatcheck-update":
      return { type };
    default:
      return null;
  }
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_PRINCIPAL_LENGTH;
}

/** Characters; as much as the server keeps of an owner's id. */
const MAX_PRINCIPAL_LENGTH = 255;

/** Posted to the message's port when it has been heeded. */
export const DONE = "coatcheck-done";
