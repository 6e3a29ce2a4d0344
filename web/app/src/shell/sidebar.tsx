import { formatBytes } from "coatcheck";
import { useState } from "react";
import { useTrafficTotals } from "../chat/traffic.ts";
import { PICTURES_PATH } from "../conversations/route.ts";
import { useConversationActions } from "../conversations/use-conversation-actions.ts";
import { useConversationPages } from "../conversations/use-conversation-pages.ts";
import type { ConversationList } from "../conversations/use-conversations.ts";
import { useDelayed } from "../conversations/use-delayed.ts";
import { ConversationEntries } from "./conversation-entries.tsx";
import { HangerIcon, PicturesIcon, PlusIcon } from "./icons.tsx";
import { NoticeList } from "./notice-list.tsx";
import { onPlainClick } from "./plain-click.ts";
import { SearchBox } from "./search-box.tsx";
import { useNotices } from "./use-notices.ts";

interface SidebarProps {
  readonly list: ConversationList;
  /** Null while all pictures are shown. */
  readonly currentId: string | null;
  readonly onOpen: (id: string, messageId?: string) => void;
  readonly onNew: () => void;
  readonly onPictures: () => void;
  /** The open conversation is gone; unlike `onNew` this leaves the sidebar open. */
  readonly onGone: () => void;
}

/** A pause in typing after which the words are looked for. */
const TYPING_PAUSE_MS = 200;

/** The conversations and what can be done with them, the way to a new one, and the traffic. */
export function Sidebar(props: SidebarProps) {
  const { list, currentId, onOpen, onNew, onPictures, onGone } = props;
  const [query, setQuery] = useState("");
  const words = useDelayed(query, TYPING_PAUSE_MS).trim();
  const isSearching = query.trim() !== "";
  const found = useConversationPages(words, words !== "");
  const notices = useNotices();
  const actions = useConversationActions({
    lists: [list, found],
    notices,
    currentId,
    open: onOpen,
    startNew: onGone,
  });
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
      <PicturesLink isCurrent={currentId === null} onOpen={onPictures} />
      <SearchBox query={query} onChange={setQuery} />
      <nav className="conversations" aria-label={isSearching ? "Search results" : "Conversations"}>
        <ConversationEntries
          // A fresh list for each: nothing of one is shown as if it were the other.
          key={isSearching ? "found" : "all"}
          pages={isSearching ? found : list}
          query={isSearching ? words : ""}
          currentId={currentId}
          onOpen={onOpen}
          actions={actions}
        />
      </nav>
      <NoticeList notices={notices} />
      <Traffic />
      <a className="compare-link" href="/compare">
        Compare with base64
      </a>
    </div>
  );
}

interface PicturesLinkProps {
  readonly isCurrent: boolean;
  readonly onOpen: () => void;
}

function PicturesLink({ isCurrent, onOpen }: PicturesLinkProps) {
  return (
    <a
      className="side-link"
      href={PICTURES_PATH}
      aria-current={isCurrent ? "page" : undefined}
      data-testid="pictures-link"
      onClick={onPlainClick(onOpen)}
    >
      <PicturesIcon />
      Pictures
    </a>
  );
}

function Traffic() {
  const { carried, previews, keptOut } = useTrafficTotals();
  return (
    <dl className="traffic" data-testid="traffic">
      <div>
        <dt>Over the socket</dt>
        <dd>{formatBytes(carried)}</dd>
      </div>
      <div>
        <dt>Previews over it</dt>
        <dd>{formatBytes(previews)}</dd>
      </div>
      <div>
        <dt>Kept out of it</dt>
        <dd>{formatBytes(keptOut)}</dd>
      </div>
    </dl>
  );
}
