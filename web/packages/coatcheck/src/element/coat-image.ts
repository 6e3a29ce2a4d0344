import {
  PictureController,
  type PicturePhase,
  type PictureState,
} from "../core/picture-controller.ts";
import { decodePlaceholder } from "../core/placeholder/placeholder.ts";
import { type MediaReference, parseReference } from "../core/reference.ts";
import type { RefreshReference } from "../core/refresh.ts";
import { boxSizes } from "../core/source.ts";
import { BaseElement } from "./base-element.ts";
import { layer, notice } from "./layers.ts";
import { type PictureSource, pictureOf, readPicture } from "./picture-source.ts";
import { ELEMENT_STYLES } from "./styles.ts";

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
 * full, `error` when it cannot be loaded; as those of `<img>` they do not bubble. A picture that failed
 * is tried again when the browser is back online, and where there is `refresh`, a reference whose
 * addresses have expired gets fresh ones, once. Parts: `box`,
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

  /** Asks for fresh addresses when a reference's have expired, for elements without one of their own. */
  static refresh: RefreshReference | null = null;

  static #sheet: CSSStyleSheet | null = null;

  #given: MediaReference | null = null;
  #refresh: RefreshReference | null | undefined;
  #picture: PictureSource | null = null;
  #controller = new PictureController();
  #unsubscribe: () => void = () => undefined;
  /** The state that is drawn; null where there is no picture to draw. */
  #drawn: PictureState | null = null;
  #phase: PicturePhase = "placeholder";
  #box: HTMLElement | null = null;
  #image: HTMLImageElement | null = null;
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

  /** Asks for fresh addresses when the reference's have expired; by default {@link CoatImage.refresh}. */
  get refresh(): RefreshReference | null {
    return this.#refresh === undefined ? CoatImage.refresh : this.#refresh;
  }

  /** Sets it for this element alone; null for none. */
  set refresh(refresh: RefreshReference | null) {
    this.#refresh = refresh;
  }

  /** How far it is. */
  get phase(): PicturePhase {
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
    if (this.#drawn?.phase === "failed") {
      this.#controller.retry();
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
    } else {
      this.#follow();
    }
  }

  /** Called by the browser. @internal */
  disconnectedCallback(): void {
    this.#unsubscribe();
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
    this.#unsubscribe();
    // Another picture, another life: what is still to come of the old one moves nothing.
    this.#controller = new PictureController();
    this.#draw();
    this.#follow();
  }

  /** Applies the controller's present state, and subscribes to what follows. */
  #follow(): void {
    const update = () => this.#update();
    update();
    this.#unsubscribe();
    this.#unsubscribe = this.#controller.subscribe(update);
  }

  #update(): void {
    const { state } = this.#controller;
    if (this.#drawn === null || this.#drawn === state) {
      return;
    }
    if (this.#drawn.attempt !== state.attempt) {
      this.#draw();
      return;
    }
    const hasMoved = this.#drawn.phase !== state.phase;
    this.#drawn = state;
    if (!hasMoved) {
      return;
    }
    if (state.phase === "failed") {
      this.#fail(true);
      return;
    }
    this.#show(state.phase);
    if (state.phase === "full") {
      this.dispatchEvent(new Event("load"));
    }
  }

  /** Draws the picture from its beginning, with the addresses that it has now. */
  #draw(): void {
    const { state } = this.#controller;
    const alt = this.getAttribute("alt");
    const reference = state.renewed ?? this.#given;
    this.#picture =
      reference === null
        ? readPicture((name) => this.getAttribute(name))
        : pictureOf(reference, alt);
    const box = document.createElement("div");
    box.setAttribute("part", "box");
    this.#box = box;
    this.#image = null;
    this.#drawn = (this.#picture?.src ?? null) === null ? null : state;
    this.#show("placeholder");
    this.shadowRoot?.replaceChildren(box);
    if (this.#picture === null) {
      // An element that is made first and told its picture later is empty, not broken.
      box.hidden = !this.hasAttribute("reference");
      if (!box.hidden) {
        this.#fail(false);
      }
      return;
    }
    this.#reserve(box, this.#picture);
    this.#fetch(box, this.#picture);
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

  #fetch(box: HTMLElement, picture: PictureSource): void {
    const { src, srcSet, thumbnail, alt } = picture;
    const controller = this.#controller;
    const { attempt } = controller.state;
    const loading = this.hasAttribute("priority") ? "eager" : "lazy";
    if (thumbnail !== null) {
      const image = layer("thumbnail", "");
      image.fetchPriority = "high";
      image.loading = loading;
      image.addEventListener("load", () => controller.loaded(attempt, "thumbnail", image));
      box.append(image);
      image.src = thumbnail;
    }
    if (src === null) {
      this.#fail(false);
      return;
    }
    const image = layer("image", alt ?? CoatImage.labels.untitled);
    image.loading = loading;
    image.fetchPriority = loading === "eager" ? "high" : "auto";
    image.addEventListener("load", () => controller.loaded(attempt, "full", image));
    image.addEventListener("error", () => {
      if (image.srcset !== "") {
        // The server has no width to show just now: the original takes its place.
        image.removeAttribute("srcset");
        return;
      }
      const reference = controller.state.renewed ?? this.reference;
      controller.failed(attempt, { reference, refresh: this.refresh });
    });
    box.append(image);
    this.#image = image;
    if (srcSet !== null) {
      image.sizes = this.getAttribute("sizes") ?? boxSizes(picture, loading);
      image.srcset = srcSet;
    }
    // Last: a browser begins to fetch when it is set, and the hints must be there by then.
    image.src = src;
  }

  #fail(canRetry: boolean): void {
    this.#show("failed");
    const alt = this.#picture === null ? this.getAttribute("alt") : this.#picture.alt;
    const { loadFailed, retry } = CoatImage.labels;
    this.#image?.remove();
    this.#box?.append(
      notice(loadFailed, alt, canRetry ? { label: retry, run: () => this.retry() } : null),
    );
    this.dispatchEvent(new Event("error"));
  }

  #show(phase: PicturePhase): void {
    this.#phase = phase;
    this.#box?.setAttribute("data-phase", phase);
  }
}
