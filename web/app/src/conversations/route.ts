import { useCallback, useSyncExternalStore } from "react";
import { newId } from "../chat/identifiers.ts";

/** What the address names. `/` is a conversation that does not exist on the server yet. */
export interface Route {
  /** All pictures are shown, and no conversation. */
  readonly isPictures: boolean;
  readonly conversationId: string;
  readonly isNew: boolean;
  /** The message that the address points at, if it does. */
  readonly messageId: string | null;
}

interface Navigation extends Route {
  readonly open: (conversationId: string, messageId?: string) => void;
  readonly startNew: () => void;
  readonly openPictures: () => void;
  /** Gives a new conversation its address, once its first message is sent. */
  readonly adopt: (conversationId: string) => void;
}

/** The address of a conversation within the page, or of a message in it. */
export function conversationPath(id: string, messageId?: string): string {
  const fragment = messageId === undefined ? "" : `#${encodeURIComponent(messageId)}`;
  return `/c/${encodeURIComponent(id)}${fragment}`;
}

/** The address of all pictures within the page. */
export const PICTURES_PATH = "/pictures";

/** Keeps the page and its address in step, with the browser's back and forward. */
export function useNavigation(): Navigation {
  const route = useSyncExternalStore(subscribe, () => current);
  const open = useCallback(
    (id: string, messageId?: string) => go(conversationPath(id, messageId)),
    [],
  );
  const startNew = useCallback(() => go("/"), []);
  const openPictures = useCallback(() => go(PICTURES_PATH), []);
  const adopt = useCallback((id: string) => {
    if (current.isNew && current.conversationId === id) {
      history.pushState(null, "", conversationPath(id));
      publish({ isPictures: false, conversationId: id, isNew: false, messageId: null });
    }
  }, []);
  return { ...route, open, startNew, openPictures, adopt };
}

const CONVERSATION_PATH = /^\/c\/(?<id>[^/]+)\/?$/u;

const listeners = new Set<() => void>();
let current: Route = readLocation();

addEventListener("popstate", () => publish(readLocation()));

function go(path: string): void {
  if (path !== location.pathname + location.hash) {
    history.pushState(null, "", path);
  }
  publish(readLocation());
}

function publish(route: Route): void {
  current = route;
  for (const listener of listeners) {
    listener();
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function readLocation(): Route {
  const segment = CONVERSATION_PATH.exec(location.pathname)?.groups?.["id"];
  const isPictures = location.pathname === PICTURES_PATH;
  return segment === undefined
    ? { isPictures, conversationId: newId(), isNew: true, messageId: null }
    : {
        isPictures,
        conversationId: decode(segment),
        isNew: false,
        messageId: location.hash === "" ? null : decode(location.hash.slice(1)),
      };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
