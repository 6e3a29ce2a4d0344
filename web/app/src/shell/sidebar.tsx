import { formatBytes } from "coatcheck";
import type { MouseEvent } from "react";
import { useTrafficTotals } from "../chat/traffic.ts";
import type { ConversationSummary } from "../conversations/api.ts";
import { conversationPath } from "../conversations/route.ts";
import type { ConversationList } from "../conversations/use-conversations.ts";
import { HangerIcon, PlusIcon } from "./icons.tsx";
import { RelativeTime } from "./relative-time.tsx";

interface SidebarProps {
  readonly list: ConversationList;
  readonly currentId: string;
  readonly onOpen: (id: string) => void;
  readonly onNew: () => void;
}

/** The conversations, the way to a new one, and what the socket has carried. */
export function Sidebar({ list, currentId, onOpen, onNew }: SidebarProps) {
  return (
    <div className="sidebar">
      <p className="brand">
        <HangerIcon />
        Coatcheck
      </p>
      <button type="button" className="new-chat" data-testid="new-chat" onClick={onNew}>
        <PlusIcon />
        New chat
      </button>
      <nav className="conversations" aria-label="Conversations">
        <Conversations list={list} currentId={currentId} onOpen={onOpen} />
      </nav>
      <Traffic />
      <a className="compare-link" href="/compare">
        Compare with base64
      </a>
    </div>
  );
}

function Conversations({ list, currentId, onOpen }: Omit<SidebarProps, "onNew">) {
  if (list.status === "loading") {
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
      {list.status === "stale" && (
        <div className="conversations-note" role="status">
          <p>The server does not answer.</p>
          <button type="button" className="text-button" onClick={list.refresh}>
            Try again
          </button>
        </div>
      )}
      {list.status === "ready" && list.conversations.length === 0 && (
        <p className="conversations-note">Your conversations will hang here.</p>
      )}
      <ul data-testid="conversation-list">
        {list.conversations.map((conversation) => (
          <li key={conversation.id}>
            <ConversationLink
              conversation={conversation}
              isCurrent={conversation.id === currentId}
              onOpen={onOpen}
            />
          </li>
        ))}
      </ul>
    </>
  );
}

interface ConversationLinkProps {
  readonly conversation: ConversationSummary;
  readonly isCurrent: boolean;
  readonly onOpen: (id: string) => void;
}

function ConversationLink({ conversation, isCurrent, onOpen }: ConversationLinkProps) {
  const { id, title, updatedAt } = conversation;
  const openInPage = (event: MouseEvent) => {
    // A link that is asked to open elsewhere does so; only a plain click stays in the page.
    if (!(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)) {
      event.preventDefault();
      onOpen(id);
    }
  };
  return (
    <a
      className="conversation"
      href={conversationPath(id)}
      aria-current={isCurrent ? "page" : undefined}
      onClick={openInPage}
    >
      <span className="conversation-title">{title}</span>
      {updatedAt !== null && <RelativeTime date={updatedAt} />}
    </a>
  );
}

function Traffic() {
  const { carried, keptOut } = useTrafficTotals();
  return (
    <dl className="traffic" data-testid="traffic">
      <div>
        <dt>Over the socket</dt>
        <dd>{formatBytes(carried)}</dd>
      </div>
      <div>
        <dt>Kept out of it</dt>
        <dd>{formatBytes(keptOut)}</dd>
      </div>
    </dl>
  );
}
