import { useRef, useState } from "react";
import { type ConversationSummary, exportAddress, type Match } from "../conversations/api.ts";
import { conversationPath } from "../conversations/route.ts";
import type { ConversationActions } from "../conversations/use-conversation-actions.ts";
import { DownloadIcon, MoreIcon, PencilIcon, TrashIcon } from "./icons.tsx";
import { Menu, MenuItem, MenuLink } from "./menu.tsx";
import { onPlainClick } from "./plain-click.ts";
import { RelativeTime } from "./relative-time.tsx";
import { TitleInput } from "./title-input.tsx";

interface ConversationEntryProps {
  readonly conversation: ConversationSummary;
  readonly isCurrent: boolean;
  readonly onOpen: (id: string, messageId?: string) => void;
  readonly actions: ConversationActions;
}

/** One conversation: a link to it, its name to be changed in place, and a menu. */
export function ConversationEntry(props: ConversationEntryProps) {
  const { conversation, isCurrent, onOpen, actions } = props;
  const [isRenaming, setRenaming] = useState(false);
  const linkRef = useRef<HTMLAnchorElement>(null);
  const entryRef = useRef<HTMLLIElement>(null);
  if (isRenaming) {
    return (
      <li className="conversation-entry">
        <TitleInput
          title={conversation.title}
          onDone={(wanted) => {
            setRenaming(false);
            if (wanted !== null) {
              actions.rename(conversation, wanted);
            }
            // The link is there again with the next frame; the focus has nowhere else to be.
            requestAnimationFrame(() => linkRef.current?.focus());
          }}
        />
      </li>
    );
  }
  const { id, title, updatedAt, match } = conversation;
  const remove = () => {
    // The focus would go away with the entry.
    const { nextElementSibling, previousElementSibling } = entryRef.current ?? {};
    const neighbour = nextElementSibling ?? previousElementSibling;
    neighbour?.querySelector<HTMLElement>("a.conversation")?.focus();
    actions.remove(conversation);
  };
  return (
    <li className="conversation-entry" ref={entryRef}>
      <a
        ref={linkRef}
        className="conversation"
        href={conversationPath(id, match?.messageId)}
        aria-current={isCurrent ? "page" : undefined}
        onClick={onPlainClick(() => onOpen(id, match?.messageId))}
      >
        <span className="conversation-title">{title}</span>
        {updatedAt !== null && <RelativeTime date={updatedAt} />}
        {match !== undefined && <Snippet match={match} />}
      </a>
      <Menu label={`Options for ${title}`} icon={<MoreIcon />}>
        <MenuItem icon={<PencilIcon />} onChoose={() => setRenaming(true)}>
          Rename
        </MenuItem>
        <MenuLink icon={<DownloadIcon />} href={exportAddress(id, "html")}>
          Save as a page
        </MenuLink>
        <MenuLink icon={<DownloadIcon />} href={exportAddress(id, "jsonl")}>
          Save as JSON lines
        </MenuLink>
        <MenuItem icon={<TrashIcon />} tone="danger" onChoose={remove}>
          Delete
        </MenuItem>
      </Menu>
    </li>
  );
}

function Snippet({ match: { snippet } }: { readonly match: Match }) {
  return (
    <span className="snippet" data-testid="snippet">
      {snippet.map(({ text, match }, index) =>
        match ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces never move
          <mark key={index}>{text}</mark>
        ) : (
          text
        ),
      )}
    </span>
  );
}
