import { cacheMedia } from "coatcheck/worker";
import { cachePage } from "./offline/cache-page.ts";

cacheMedia();
cachePage();
