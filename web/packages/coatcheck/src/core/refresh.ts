import { isFetchableAddress } from "./address.ts";
import { type MediaReference, parseReference } from "./reference.ts";

/** Asks the application's server for a reference in UI form, with addresses that are fresh. */
export type RefreshReference = (id: string) => Promise<unknown>;

/** Refreshes from Coatcheck's own endpoint, `GET {base}/{id}`. */
export function refreshFrom(base = "/api/media"): RefreshReference {
  return async (id) => {
    const response = await fetch(`${base}/${encodeURIComponent(id)}`, { cache: "no-store" });
    return response.ok ? response.json() : null;
  };
}

/**
 * Mints a picture's addresses anew after it failed to load because they have expired.
 *
 * An `<img>` does not tell why it failed, so the address is asked: 401 and 403 mean that another one may
 * work, and so does an answer from another origin that the page may not read. Pictures that fail at the
 * same time for the same reference share one request.
 *
 * @returns the reference with other addresses, or null where that is not the trouble. Never throws.
 */
export async function renewReference(
  reference: MediaReference,
  refresh: RefreshReference,
): Promise<MediaReference | null> {
  const { id, url } = reference;
  try {
    if (url !== undefined && !(await isRefused(url))) {
      return null;
    }
    const fresh = parseReference(await shared(id, refresh));
    // The id alone is believed: an answer about another picture is none about this one.
    return fresh?.id === id && isFetchableAddress(fresh.url) ? fresh : null;
  } catch {
    return null;
  }
}

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;

async function isRefused(url: string): Promise<boolean> {
  try {
    const { status } = await fetch(url, { method: "HEAD", cache: "no-store" });
    return status === UNAUTHORIZED || status === FORBIDDEN;
  } catch {
    return new URL(url, location.href).origin !== location.origin;
  }
}

/** Requests under way, by who makes them: another `refresh` may ask another server. */
const underWay = new WeakMap<RefreshReference, Map<string, Promise<unknown>>>();

function shared(id: string, refresh: RefreshReference): Promise<unknown> {
  const requests = underWay.get(refresh) ?? new Map<string, Promise<unknown>>();
  underWay.set(refresh, requests);
  const current = requests.get(id);
  if (current !== undefined) {
    return current;
  }
  const request = refresh(id).finally(() => requests.delete(id));
  requests.set(id, request);
  return request;
}
