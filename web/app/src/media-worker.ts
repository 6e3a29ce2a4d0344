import { cacheMedia } from "coatcheck/worker";
import { cachePage } from "./offline/cache-page.ts";
import { forgetPages } from "./offline/page-cache.ts";

cachePage(cacheMedia({ onForget: forgetPages }));
