import { decodePlaceholder } from "../core/placeholder/placeholder.ts";
import { type MediaReference, parseReference } from "../core/reference.ts";
import { BaseElement } from "./base-element.ts";
import { type PictureSource, pictureOf, readPicture } from "./picture-source.ts";
import { ELEMENT_STYLES } from "./styles.ts";

/** What is seen of the picture, as `MediaImage` of `coatcheck/react` has it. */
export type CoatImagePhase = "placeholder" | "thumbnail" | "full" | "failed";

/** The words that the element shows; assign others before the first element is made. */
export interface CoatImageLabels {
  loadFailed: string;
  retry: string;
  untitled: string;
}

/**
 * `<coat-image>`: a picture that is there at once, without React.
 *
 * Attributes: `reference` (JSON in UI form), or `src`, `srcset`, `thumbnail`, `placeholder`, `width`
 * and `height`; also `alt`, `sizes` and `priority`. Events: `load` when the picture is painted in
 * full, `error` when it cannot be loaded; as those of `<img>` they do not bubble. Parts: `box`,
 * `placeholder`, `thumbnail`, `image`, `notice`, `notice-title`, `notice-detail`, `retry`. The custom
 * properties are those of `coatcheck/styles.css`.
 */
export class CoatImage extends BaseElement {
  /** The attributes that a change of is drawn. */
  static readonly observedAttributes = [
    "reference",
    "src",
    "srcset",
    "thumbnail",
    "placeholder",
    "width",
    "height",
    "alt",
    "sizes",
    "priority",
  ];

  static readonly labels: CoatImageLabels = {
    loadFailed: "The picture could not be loaded.",
    retry: "Try again",
    untitled: "Untitled",
  };

  static #sheet: CSSStyleSheet | null = null;

  #given: MediaReference | null = null;
  #phase: CoatImagePhase = "placeholder";
  #box: HTMLElement | null = null;
  #isStale = false;

  /** The reference that was assigned, or that the attribute holds; null for neither. */
  get reference(): MediaReference | null {
    if (this.#given !== null) {
      return this.#given;
    }
    try {
      return parseReference(JSON.parse(this.getAttribute("reference") ?? "null"));
    } catch {
      return null;
    }
  }

  /** Anything may be assigned; what is no reference counts as none, and the attributes count again. */
  set reference(value: unknown) {
    this.#given = parseReference(value);
    this.#invalidate();
  }

  /** How far it is. */
  get phase(): CoatImagePhase {
    return this.#phase;
  }

  /** The alternative text, as the attribute says. */
  get alt(): string {
    return this.getAttribute("alt") ?? "";
  }

  /** Sets the attribute. */
  set alt(value: string) {
    this.setAttribute("alt", value);
  }

  /** Fetches the picture anew after it failed. */
  retry(): void {
    if (this.#phase === "failed") {
      this.#invalidate();
    }
  }

  /** Called by the browser. @internal */
  connectedCallback(): void {
    if (this.shadowRoot === null) {
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [CoatImage.#styles()];
    }
    if (this.#box === null || this.#isStale) {
      this.#render();
    }
  }

  /** Called by the browser. @internal */
  attributeChangedCallback(_: string, before: string | null, after: string | null): void {
    if (before !== after) {
      this.#invalidate();
    }
  }

  static #styles(): CSSStyleSheet {
    // One sheet for all elements. Made by script, so a strict Content-Security-Policy lets it pass.
    if (CoatImage.#sheet === null) {
      CoatImage.#sheet = new CSSStyleSheet();
      CoatImage.#sheet.replaceSync(ELEMENT_STYLES);
    }
    return CoatImage.#sheet;
  }

  /** Renders once for any number of changes that are made together. */
  #invalidate(): void {
    if (this.#isStale) {
      return;
    }
    this.#isStale = true;
    queueMicrotask(() => {
      // One that is not in the document waits until it is: nothing is fetched for it.
      if (this.#isStale && this.isConnected) {
        this.#render();
      }
    });
  }

  #render(): void {
    this.#isStale = false;
    const picture =
      this.#given === null
        ? readPicture((name) => this.getAttribute(name))
        : pictureOf(this.#given, this.getAttribute("alt"));
    const box = document.createElement("div");
    box.setAttribute("part", "box");
    this.#box = box;
    this.#show("placeholder");
    this.shadowRoot?.replaceChildren(box);
    if (picture === null) {
      // An element that is made first and told its picture later is empty, not broken.
      box.hidden = !this.hasAttribute("reference");
      if (!box.hidden) {
        this.#fail(box, this.getAttribute("alt"), false);
      }
      return;
    }
    this.#reserve(box, picture);
    this.#fetch(box, picture);
  }

  /** Gives the box its final size, and its blur. */
  #reserve(box: HTMLElement, { width, height, placeholder }: PictureSource): void {
    const blur = decodePlaceholder(placeholder);
    const ratio = width === null || height === null ? (blur?.aspectRatio ?? 1) : width / height;
    box.style.setProperty("--ratio", ratio.toFixed(5));
    if (width !== null) {
      box.style.setProperty("--natural-width", `${width}px`);
    }
    if (blur !== null) {
      const image = layer("placeholder", "");
      image.decoding = "sync";
      image.src = blur.dataUrl;
      box.append(image);
    }
  }

  #fetch(box: HTMLElement, { src, srcSet, thumbnail, alt }: PictureSource): void {
    const loading = this.hasAttribute("priority") ? "eager" : "lazy";
    if (thumbnail !== null) {
      const image = layer("thumbnail", "");
      image.fetchPriority = "high";
      image.loading = loading;
      whenPaintable(image, () => this.#advance(box, "thumbnail"));
      box.append(image);
      image.src = thumbnail;
    }
    if (src === null) {
      this.#fail(box, alt, false);
      return;
    }
    const image = layer("image", alt ?? CoatImage.labels.untitled);
    image.loading = loading;
    image.fetchPriority = loading === "eager" ? "high" : "auto";
    whenPaintable(image, () => this.#advance(box, "full"));
    image.addEventListener("error", () => {
      image.remove();
      this.#fail(box, alt, true);
    });
    box.append(image);
    if (srcSet !== null) {
      image.sizes = this.getAttribute("sizes") ?? DEFAULT_SIZES;
      image.srcset = srcSet;
    }
    // Last: a browser begins to fetch when it is set, and the hints must be there by then.
    image.src = src;
  }

  /** A late thumbnail never moves a picture back, and an old picture never speaks for a new one. */
  #advance(box: HTMLElement, phase: "thumbnail" | "full"): void {
    if (box !== this.#box || (phase === "thumbnail" && this.#phase !== "placeholder")) {
      return;
    }
    this.#show(phase);
    if (phase === "full") {
      this.dispatchEvent(new Event("load"));
    }
  }

  #fail(box: HTMLElement, alt: string | null, canRetry: boolean): void {
    if (box !== this.#box) {
      return;
    }
    this.#show("failed");
    const { loadFailed, retry } = CoatImage.labels;
    const notice = document.createElement("div");
    notice.setAttribute("part", "notice");
    notice.setAttribute("role", "alert");
    notice.append(paragraph("notice-title", loadFailed));
    if (alt !== null && alt !== "") {
      notice.append(paragraph("notice-detail", alt));
    }
    if (canRetry) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("part", "retry");
      button.textContent = retry;
      button.addEventListener("click", () => this.retry());
      notice.append(button);
    }
    box.append(notice);
    this.dispatchEvent(new Event("error"));
  }

  #show(phase: CoatImagePhase): void {
    this.#phase = phase;
    this.#box?.setAttribute("data-phase", phase);
  }
}

/** As that of `MediaImage`: no wider than a reading column. */
const DEFAULT_SIZES = "(max-width: 48rem) 100vw, 48rem";

function layer(part: string, alt: string): HTMLImageElement {
  const image = document.createElement("img");
  image.setAttribute("part", part);
  image.alt = alt;
  image.decoding = "async";
  return image;
}

function paragraph(part: string, text: string): HTMLParagraphElement {
  const element = document.createElement("p");
  element.setAttribute("part", part);
  element.textContent = text;
  return element;
}

/** Calls back once the pixels can be painted at no cost; see `useImagePhase`. */
function whenPaintable(image: HTMLImageElement, callback: () => void): void {
  image.addEventListener("load", () => {
    image.decode().then(callback, () => {
      if (image.isConnected) {
        callback();
      }
    });
  });
}
