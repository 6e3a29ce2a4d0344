import { useCallback, useEffect, useState } from "react";
import { ChatSessions } from "../chat/sessions.ts";
import { ConversationView } from "../conversations/conversation-view.tsx";
import { useNavigation } from "../conversations/route.ts";
import { useConversations } from "../conversations/use-conversations.ts";
import { useTitle } from "../conversations/use-title.ts";
import { Drawer } from "./drawer.tsx";
import { CloseIcon, MenuIcon } from "./icons.tsx";
import { Sidebar } from "./sidebar.tsx";
import { ThemeToggle } from "./theme-toggle.tsx";
import { useMediaQuery } from "./use-media-query.ts";

/** The frame around a conversation: list, title bar, and which conversation is shown. */
export function App() {
  const { conversationId, isNew, messageId, open, startNew, adopt } = useNavigation();
  const list = useConversations();
  const [sessions] = useState(() => new ChatSessions(list.refresh));
  const [drawerOpen, setDrawerOpen] = useState(false);
  const isWide = useMediaQuery("(min-width: 56rem)");
  const title = useTitle(conversationId, isNew, list);

  useEffect(() => {
    document.title = title === null ? "Coatcheck" : `${title} · Coatcheck`;
  }, [title]);

  const closeDrawer = useCallback(() => setDrawerOpen(false), []);
  const drafted = useCallback(
    (draftTitle: string | null) =>
      list.setDraft(
        draftTitle === null
          ? null
          : { id: conversationId, title: draftTitle, updatedAt: new Date() },
      ),
    [conversationId, list.setDraft],
  );
  const started = useCallback(() => {
    adopt(conversationId);
    list.refresh();
  }, [adopt, conversationId, list.refresh]);

  const openAndClose = useCallback(
    (id: string, message?: string) => {
      closeDrawer();
      open(id, message);
    },
    [closeDrawer, open],
  );

  const sidebar = (
    <Sidebar
      list={list}
      currentId={conversationId}
      onOpen={openAndClose}
      onNew={() => {
        closeDrawer();
        startNew();
      }}
      onGone={startNew}
    />
  );

  return (
    <div className="app">
      <a className="skip-link" href="#conversation">
        Skip to the conversation
      </a>
      {isWide ? (
        <aside className="app-side">{sidebar}</aside>
      ) : (
        <Drawer open={drawerOpen} label="Conversations" onClose={closeDrawer}>
          <button
            type="button"
            className="icon-button drawer-close"
            aria-label="Close"
            onClick={closeDrawer}
          >
            <CloseIcon />
          </button>
          {sidebar}
        </Drawer>
      )}
      <div className="app-main">
        <header className="title-bar">
          {!isWide && (
            <button
              type="button"
              className="icon-button"
              aria-label="Show conversations"
              data-testid="drawer-open"
              onClick={() => setDrawerOpen(true)}
            >
              <MenuIcon />
            </button>
          )}
          <h1 className="title">{title ?? (isNew ? "New chat" : "Coatcheck")}</h1>
          <ThemeToggle />
        </header>
        {/* biome-ignore lint/correctness/useUniqueElementIds: the skip link's target; a page has one main */}
        <main className="conversation-main" id="conversation" tabIndex={-1}>
          <ConversationView
            key={conversationId}
            id={conversationId}
            isNew={isNew}
            target={messageId}
            sessions={sessions}
            onDraft={drafted}
            onStarted={started}
            onStartNew={startNew}
          />
        </main>
      </div>
    </div>
  );
}
