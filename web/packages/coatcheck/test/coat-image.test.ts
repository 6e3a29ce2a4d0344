// @vitest-environment happy-dom
import { decodePlaceholder, type RefreshReference } from "coatcheck";
import { CoatImage, defineCoatImage } from "coatcheck/element";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { lighthouse } from "./samples.ts";

beforeAll(() => defineCoatImage());
beforeEach(() => {
  vi.spyOn(HTMLImageElement.prototype, "decode").mockResolvedValue(undefined);
});
afterEach(() => document.body.replaceChildren());

async function show(attributes: Record<string, string>): Promise<CoatImage> {
  const element = document.createElement("coat-image") as CoatImage;
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  document.body.append(element);
  await Promise.resolve();
  return element;
}

const part = (element: CoatImage, name: string) =>
  element.shadowRoot?.querySelector<HTMLImageElement>(`[part="${name}"]`) ?? null;

async function settle(image: HTMLImageElement | null, type: "load" | "error") {
  image?.dispatchEvent(new Event(type));
  await new Promise((resolve) => setTimeout(resolve));
}

describe("<coat-image>", () => {
  it("shows the original where the server has none of its widths", async () => {
    const element = await show({
      reference: JSON.stringify({ ...lighthouse, variants: [512, 1024] }),
    });
    const image = part(element, "image");
    await settle(image, "error");
    expect([image?.hasAttribute("srcset"), element.phase]).toEqual([false, "placeholder"]);
    await settle(image, "error");
    expect(element.phase).toBe("failed");
  });

  it("lets the browser choose among the server's widths, by the box", async () => {
    const wide = JSON.stringify({ ...lighthouse, variants: [512, 1024] });
    const eager = part(await show({ reference: wide, priority: "" }), "image");
    expect(eager?.srcset).toContain("?w=512 512w");
    expect(eager?.sizes).toBe("min(100vw, 48rem, 1.7778 * 34rem)");
    const lazy = part(await show({ reference: wide }), "image");
    expect(lazy?.sizes).toBe("auto, min(100vw, 48rem, 1.7778 * 34rem)");
    vi.stubGlobal("navigator", { connection: { saveData: true } });
    const saving = part(await show({ reference: wide }), "image");
    expect(saving?.srcset).toMatch(/^[^ ]*\?w=512 512w$/u);
    vi.unstubAllGlobals();
  });

  it("reserves its box and paints its blur at once", async () => {
    const element = await show({ reference: JSON.stringify(lighthouse) });
    expect(part(element, "box")?.style.getPropertyValue("--ratio")).toBe("1.77778");
    expect(part(element, "box")?.style.getPropertyValue("--natural-width")).toBe("1600px");
    const blur = decodePlaceholder(lighthouse.placeholder)?.dataUrl;
    expect(part(element, "placeholder")?.getAttribute("src")).toBe(blur);
    expect(element.phase).toBe("placeholder");
  });

  it("goes from placeholder to thumbnail to the picture, and says when that is painted", async () => {
    const element = await show({ reference: JSON.stringify(lighthouse) });
    const onLoad = vi.fn();
    element.addEventListener("load", onLoad);
    await settle(part(element, "thumbnail"), "load");
    expect(element.phase).toBe("thumbnail");
    expect(onLoad).not.toHaveBeenCalled();
    await settle(part(element, "image"), "load");
    expect(element.phase).toBe("full");
    await settle(part(element, "thumbnail"), "load");
    expect(element.phase).toBe("full");
    expect(onLoad).toHaveBeenCalledOnce();
  });

  it("takes its picture attribute by attribute as well", async () => {
    const element = await show({
      src: "/p.png",
      srcset: "/p.png?w=512 512w",
      sizes: "50vw",
      thumbnail: "/t.webp",
      width: "400",
      height: "200",
      alt: "a pear",
    });
    const image = part(element, "image");
    expect(image?.getAttribute("src")).toBe("/p.png");
    expect(image?.getAttribute("srcset")).toBe("/p.png?w=512 512w");
    expect(image?.sizes).toBe("50vw");
    expect(image?.alt).toBe("a pear");
    expect(image?.loading).toBe("lazy");
    expect(part(element, "thumbnail")?.getAttribute("src")).toBe("/t.webp");
    expect(part(element, "box")?.style.getPropertyValue("--ratio")).toBe("2.00000");
  });
});

describe("a picture that cannot be shown", () => {
  it("says that a picture cannot be loaded, and fetches it anew on request", async () => {
    const element = await show({ reference: JSON.stringify(lighthouse) });
    const onError = vi.fn();
    element.addEventListener("error", onError);
    const first = part(element, "image");
    await settle(first, "error");
    expect(element.phase).toBe("failed");
    expect(onError).toHaveBeenCalledOnce();
    expect(part(element, "notice")?.textContent).toContain("a lighthouse at dusk");

    part(element, "retry")?.click();
    await Promise.resolve();
    expect(element.phase).toBe("placeholder");
    expect(part(element, "notice")).toBeNull();
    expect(part(element, "image")).not.toBe(first);
  });

  it("offers no retry where there is no address", async () => {
    const { url: _, thumbnailUrl: __, ...stored } = lighthouse;
    const element = await show({ reference: JSON.stringify(stored) });
    expect(element.phase).toBe("failed");
    expect(part(element, "retry")).toBeNull();
  });

  it.each(["not json", "{}", '{"type":"media_reference"}', "null"])(
    "shows what it cannot read as failed: %s",
    async (reference) => {
      expect((await show({ reference })).phase).toBe("failed");
    },
  );

  it.each(["javascript:alert(1)", "data:text/html,x", "//evil.example/x"])(
    "fetches nothing from %s",
    async (src) => {
      const element = await show({ src });
      expect(part(element, "image")).toBeNull();
    },
  );
});

describe("an element whose picture has failed", () => {
  const Fresh = "/api/media/image/fresh?sig=2";
  const refresh = () => vi.fn<RefreshReference>().mockResolvedValue({ ...lighthouse, url: Fresh });

  beforeEach(() => {
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async () => new Response(null, { status: 403 }),
    );
  });
  afterEach(() => {
    CoatImage.refresh = null;
  });

  it("gets a fresh address for one that has expired, once, and shows it", async () => {
    const element = await show({ reference: JSON.stringify(lighthouse), alt: "a tower" });
    const onError = vi.fn();
    element.addEventListener("error", onError);
    element.refresh = refresh();
    await settle(part(element, "image"), "error");
    await vi.waitFor(() => expect(part(element, "image")?.getAttribute("src")).toBe(Fresh));
    expect(part(element, "image")?.alt).toBe("a tower");
    expect(element.phase).toBe("placeholder");
    expect(onError).not.toHaveBeenCalled();
    expect(element.refresh).toHaveBeenCalledExactlyOnceWith(lighthouse.id);
    await settle(part(element, "image"), "error");
    expect(element.phase).toBe("failed");
    expect(onError).toHaveBeenCalledOnce();
  });

  it("asks as all elements do, unless it is told otherwise", async () => {
    CoatImage.refresh = refresh();
    const element = await show({ reference: JSON.stringify(lighthouse) });
    await settle(part(element, "image"), "error");
    await vi.waitFor(() => expect(part(element, "image")?.getAttribute("src")).toBe(Fresh));
    const alone = await show({ reference: JSON.stringify(lighthouse) });
    alone.refresh = null;
    await settle(part(alone, "image"), "error");
    expect(alone.phase).toBe("failed");
  });

  it("tries again by itself when the browser is back online", async () => {
    const element = await show({ src: "/p.png" });
    await settle(part(element, "image"), "error");
    expect(element.phase).toBe("failed");
    globalThis.dispatchEvent(new Event("online"));
    expect(element.phase).toBe("placeholder");
    expect(part(element, "image")?.getAttribute("src")).toBe("/p.png");
    expect(part(element, "notice")).toBeNull();
  });

  it("hears nothing once it is out of the document, and takes up what it missed", async () => {
    const element = await show({ reference: JSON.stringify(lighthouse) });
    const image = part(element, "image");
    await settle(image, "error");
    element.remove();
    globalThis.dispatchEvent(new Event("online"));
    expect(element.phase).toBe("failed");

    const other = await show({ reference: JSON.stringify(lighthouse) });
    const loading = part(other, "image");
    other.remove();
    await settle(loading, "load");
    expect(other.phase).toBe("placeholder");
    document.body.append(other);
    expect(other.phase).toBe("full");
  });
});

describe("the element's life", () => {
  it("starts over for another picture, and hears no more of the first", async () => {
    const element = await show({ reference: JSON.stringify(lighthouse) });
    const first = part(element, "image");
    element.reference = { ...lighthouse, url: "/api/media/image/2" };
    await Promise.resolve();
    expect(part(element, "image")?.getAttribute("src")).toBe("/api/media/image/2");
    await settle(first, "load");
    expect(element.phase).toBe("placeholder");
  });

  it("fetches nothing before it is in the document", async () => {
    const element = document.createElement("coat-image") as CoatImage;
    element.reference = lighthouse;
    await Promise.resolve();
    expect(element.shadowRoot).toBeNull();
    expect(element.reference?.id).toBe(lighthouse.id);
    document.body.append(element);
    expect(part(element, "image")).not.toBeNull();
  });

  it("keeps its picture when it is moved", async () => {
    const element = await show({ reference: JSON.stringify(lighthouse) });
    const image = part(element, "image");
    const other = document.createElement("div");
    document.body.append(other);
    other.append(element);
    expect(part(element, "image")).toBe(image);
  });

  it("is defined once, and under another name on request", () => {
    defineCoatImage();
    defineCoatImage("shop-picture");
    expect(customElements.get("coat-image")).toBe(CoatImage);
    expect(document.createElement("shop-picture")).toBeInstanceOf(CoatImage);
  });
});
