import { useCallback, useEffect, useState } from "react";
import { type ConversationSummary, fetchConversations } from "./api.ts";

interface PagesState {
  /** What the conversations are an answer to; null before there is one. */
  readonly query: string | null;
  /** `stale`: what was last known is shown, but the server does not answer. */
  readonly status: "loading" | "ready" | "stale";
  readonly conversations: readonly ConversationSummary[];
  readonly before: string | null;
  readonly more: "idle" | "loading" | "failed";
}

/** Conversations that are loaded page by page. */
export interface ConversationPages {
  readonly status: PagesState["status"];
  readonly conversations: readonly ConversationSummary[];
  /** Whether there are more, and how loading them goes; null when this is all. */
  readonly more: PagesState["more"] | null;
  readonly loadMore: () => void;
  readonly refresh: () => void;
  /** Shows a change ahead of the server's answer; null takes the conversation out of the list. */
  readonly amend: (id: string, change: Partial<ConversationSummary> | null) => void;
}

const EMPTY: PagesState = {
  query: null,
  status: "loading",
  conversations: [],
  before: null,
  more: "idle",
};

/**
 * The conversations, or with a query those in which its words stand. Without `enabled` nothing is
 * asked for.
 */
export function useConversationPages(query: string, enabled = true): ConversationPages {
  const [state, setState] = useState(EMPTY);
  const [generation, setGeneration] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the generation is what asks for a new read
  useEffect(() => {
    if (!enabled) {
      setState(EMPTY);
      return;
    }
    const aborter = new AbortController();
    fetchConversations({ query }, aborter.signal).then(
      (page) =>
        setState((known) => ({
          ...(known.query === query ? merged(page, known) : page),
          query,
          status: "ready",
          more: "idle",
        })),
      () => {
        if (!aborter.signal.aborted) {
          setState((known) => ({ ...known, status: "stale" }));
        }
      },
    );
    return () => aborter.abort();
  }, [query, enabled, generation]);

  const { before } = state;
  const loadMore = useCallback(() => {
    setState((known) => ({ ...known, more: "loading" }));
    fetchConversations({ query, before }, NEVER).then(
      (page) =>
        setState((known) =>
          // A list that was read anew meanwhile goes on from its own end.
          known.query === query && known.before === before
            ? {
                ...known,
                ...page,
                conversations: joined(known.conversations, page.conversations),
                more: "idle",
              }
            : { ...known, more: "idle" },
        ),
      () => setState((known) => ({ ...known, more: "failed" })),
    );
  }, [query, before]);

  const refresh = useCallback(() => setGeneration((current) => current + 1), []);
  const amend = useCallback(
    (id: string, change: Partial<ConversationSummary> | null) =>
      setState((known) => ({
        ...known,
        conversations: known.conversations.flatMap((one) => {
          if (one.id !== id) {
            return one;
          }
          return change === null ? [] : { ...one, ...change };
        }),
      })),
    [],
  );
  const { status, conversations, more } = state;
  return { status, conversations, more: before === null ? null : more, loadMore, refresh, amend };
}

const { signal: NEVER } = new AbortController();

type Known = Pick<PagesState, "conversations" | "before">;

/** A first page that was read again, with the older ones that were loaded before. */
function merged(page: Known, known: Known): Known {
  const last = page.conversations.at(-1)?.updatedAt ?? null;
  if (page.before === null || last === null) {
    return page;
  }
  const older = known.conversations.filter(
    ({ updatedAt }) => updatedAt !== null && updatedAt < last,
  );
  return older.length === 0
    ? page
    : { conversations: joined(page.conversations, older), before: known.before };
}

function joined(
  first: readonly ConversationSummary[],
  second: readonly ConversationSummary[],
): readonly ConversationSummary[] {
  const ids = new Set(first.map(({ id }) => id));
  return [...first, ...second.filter(({ id }) => !ids.has(id))];
}
