import { Later } from "../shell/later.ts";

/** A conversation: messages, pictures, what can be done with them. */
export const transcript = new Later(() => import("./transcript.tsx"));
