import { useCallback } from "react";
import type { Notices } from "../shell/use-notices.ts";
import {
  type ConversationSummary,
  deleteConversation,
  renameConversation,
  restoreConversation,
} from "./api.ts";
import { messageOf } from "./http.ts";
import type { ConversationPages } from "./use-conversation-pages.ts";

interface Surroundings {
  /** Every list that may hold the conversation. */
  readonly lists: readonly ConversationPages[];
  readonly notices: Notices;
  readonly currentId: string | null;
  readonly open: (id: string) => void;
  readonly startNew: () => void;
}

export interface ConversationActions {
  readonly rename: (conversation: ConversationSummary, title: string) => void;
  readonly remove: (conversation: ConversationSummary) => void;
}

/** What a reader does with a conversation: shown at once, taken back where the server refuses. */
export function useConversationActions(surroundings: Surroundings): ConversationActions {
  const { lists, notices, currentId, open, startNew } = surroundings;
  const [list, found] = lists;
  const amend = useCallback(
    (id: string, change: Partial<ConversationSummary> | null) => {
      list?.amend(id, change);
      found?.amend(id, change);
    },
    [list?.amend, found?.amend],
  );
  const refresh = useCallback(() => {
    list?.refresh();
    found?.refresh();
  }, [list?.refresh, found?.refresh]);
  const { show } = notices;

  const rename = useCallback(
    ({ id, title }: ConversationSummary, wanted: string) => {
      amend(id, { title: wanted });
      renameConversation(id, wanted).then(
        (renamed) => amend(id, { title: renamed.title }),
        (error: unknown) => {
          amend(id, { title });
          show({ tone: "danger", text: `“${title}” keeps its name. ${messageOf(error)}` });
        },
      );
    },
    [amend, show],
  );

  const remove = useCallback(
    ({ id, title }: ConversationSummary) => {
      const wasOpen = id === currentId;
      const restore = () =>
        restoreConversation(id).then(
          () => {
            refresh();
            if (wasOpen) {
              open(id);
            }
          },
          (error: unknown) =>
            show({ tone: "danger", text: `“${title}” is gone. ${messageOf(error)}` }),
        );
      amend(id, null);
      if (wasOpen) {
        startNew();
      }
      deleteConversation(id).then(
        () => {
          show({ text: `Deleted “${title}”`, action: { label: "Undo", run: restore } });
          // A list that was on its way may have brought it back.
          refresh();
        },
        (error: unknown) => {
          refresh();
          show({ tone: "danger", text: `“${title}” was not deleted. ${messageOf(error)}` });
        },
      );
    },
    [amend, refresh, show, currentId, open, startNew],
  );
  return { rename, remove };
}
