import { createContext } from "react";

/** How a conversation is gone back in: what comes after the place is replaced. */
export interface Revisions {
  /** Whether a turn is under way; nothing can be revised meanwhile. */
  readonly busy: boolean;
  /** Has an answer given once more. */
  readonly regenerate: (answerId: string) => void;
  /** Sends one of the reader's messages with another text. Its pictures stay. */
  readonly resend: (messageId: string, text: string) => void;
  /** How many messages come after one, and would be replaced with it. */
  readonly followedBy: (messageId: string) => number;
}

export const RevisionsContext = createContext<Revisions>({
  busy: true,
  regenerate: () => undefined,
  resend: () => undefined,
  followedBy: () => 0,
});
