import { useCallback, useEffect, useState } from "react";
import { ChatSessions } from "../chat/sessions.ts";
import { ConversationView } from "../conversations/conversation-view.tsx";
import { useNavigation } from "../conversations/route.ts";
import { useConversations } from "../conversations/use-conversations.ts";
import { useTitle } from "../conversations/use-title.ts";
import { LaterPictures } from "../gallery/later-pictures.tsx";
import { useMediaPages } from "../gallery/use-media-pages.ts";
import { Drawer } from "./drawer.tsx";
import { CloseIcon, MenuIcon } from "./icons.tsx";
import { Sidebar } from "./sidebar.tsx";
import { ThemeToggle } from "./theme-toggle.tsx";
import { useMediaQuery } from "./use-media-query.ts";

/** The frame: list, title bar, and the conversation that is shown, or all pictures. */
export function App() {
  const { isPictures, conversationId, isNew, messageId, ...navigation } = useNavigation();
  const { open, startNew, openPictures, adopt } = navigation;
  const list = useConversations();
  const [sessions] = useState(() => new ChatSessions(list.refresh));
  const [drawerOpen, setDrawerOpen] = useState(false);
  const isWide = useMediaQuery("(min-width: 56rem)");
  const conversationTitle = useTitle(conversationId, isNew, list);
  const title = isPictures ? "Pictures" : conversationTitle;
  const pictures = useMediaPages(isPictures);
  // A conversation that is deleted or restored takes its pictures along.
  const refreshAll = useCallback(() => {
    list.refresh();
    pictures.refresh();
  }, [list.refresh, pictures.refresh]);

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
      list={{ ...list, refresh: refreshAll }}
      currentId={isPictures ? null : conversationId}
      onOpen={openAndClose}
      onNew={() => {
        closeDrawer();
        startNew();
      }}
      onPictures={() => {
        closeDrawer();
        openPictures();
      }}
      onGone={startNew}
    />
  );

  return (
    <div className="app">
      <a className="skip-link" href="#conversation">
        {isPictures ? "Skip to the pictures" : "Skip to the conversation"}
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
          {isPictures ? (
            <LaterPictures pages={pictures} onOpen={open} onStartNew={startNew} />
          ) : (
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
          )}
        </main>
      </div>
    </div>
  );
}
