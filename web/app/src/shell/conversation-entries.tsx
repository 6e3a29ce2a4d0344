import type { ConversationActions } from "../conversations/use-conversation-actions.ts";
import type { ConversationPages } from "../conversations/use-conversation-pages.ts";
import { ConversationEntry } from "./conversation-entry.tsx";

interface ConversationEntriesProps {
  readonly pages: ConversationPages;
  /** The words that were looked for; empty in the list of all. */
  readonly query: string;
  readonly currentId: string | null;
  readonly onOpen: (id: string, messageId?: string) => void;
  readonly actions: ConversationActions;
}

/** A list of conversations: loading, empty, stale, and with more to come. */
export function ConversationEntries(props: ConversationEntriesProps) {
  const { pages, query, currentId, onOpen, actions } = props;
  const { status, conversations } = pages;
  if (status === "loading") {
    return (
      <div className="conversations-skeleton" role="status" aria-label="Loading conversations">
        <span className="skeleton" />
        <span className="skeleton" />
        <span className="skeleton" />
      </div>
    );
  }
  return (
    <>
      {status === "stale" && (
        <div className="conversations-note" role="status">
          <p>The server does not answer.</p>
          <button type="button" className="text-button" onClick={pages.refresh}>
            Try again
          </button>
        </div>
      )}
      {status === "ready" && (
        <p
          className={conversations.length === 0 ? "conversations-note" : "visually-hidden"}
          role="status"
        >
          {summary(conversations.length, query, pages.more !== null)}
        </p>
      )}
      <ul data-testid="conversation-list">
        {conversations.map((conversation) => (
          <ConversationEntry
            key={conversation.id}
            conversation={conversation}
            isCurrent={conversation.id === currentId}
            onOpen={onOpen}
            actions={actions}
          />
        ))}
      </ul>
      <More pages={pages} />
    </>
  );
}

function summary(count: number, query: string, hasMore: boolean): string {
  if (query === "") {
    return count === 0 ? "Your conversations will hang here." : "";
  }
  if (count === 0) {
    return `Nothing found for “${query}”.`;
  }
  return `${hasMore ? "More than " : ""}${count} found.`;
}

function More({ pages: { more, loadMore } }: { readonly pages: ConversationPages }) {
  if (more === null) {
    return null;
  }
  return (
    <div className="conversations-more">
      {more === "failed" && <p role="alert">Older ones could not be read.</p>}
      <button
        type="button"
        className="text-button"
        data-testid="load-more"
        disabled={more === "loading"}
        onClick={loadMore}
      >
        {more === "loading" ? "Loading…" : "Show older"}
      </button>
    </div>
  );
}
