import { createContext } from "react";
import type { RefreshReference } from "../core/refresh.ts";

/**
 * How pictures below it get fresh addresses when theirs have expired; null, the default, means never.
 *
 * Give it a function that stays the same between renders: pictures share its requests.
 */
export const MediaRefreshContext = createContext<RefreshReference | null>(null);
