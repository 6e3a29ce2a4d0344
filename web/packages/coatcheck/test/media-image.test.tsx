// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { decodePlaceholder } from "coatcheck";
import { MediaImage } from "coatcheck/react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lighthouse } from "./samples.ts";

const { url, thumbnailUrl, placeholder } = lighthouse;

/** Resolvers of the `decode()` calls under way, by address. */
let decoding: Map<string, { readonly done: () => void; readonly failed: () => void }>;

beforeEach(() => {
  decoding = new Map();
  vi.spyOn(HTMLImageElement.prototype, "decode").mockImplementation(function (
    this: HTMLImageElement,
  ) {
    const address = this.getAttribute("src") ?? "";
    return new Promise((resolve, reject) => {
      decoding.set(address, { done: resolve, failed: () => reject(new Error("decode")) });
    });
  });
});
afterEach(cleanup);

const box = () => screen.getByTestId("media-image");
const phase = () => box().dataset["phase"];
const image = (address: string | undefined) => box().querySelector(`img[src="${address}"]`);

async function loadAndDecode(address: string | undefined) {
  const element = image(address);
  if (element === null) {
    throw new Error(`no image of ${address}`);
  }
  fireEvent.load(element);
  await act(async () => decoding.get(address ?? "")?.done());
}

describe("the widths of MediaImage", () => {
  const wide = { ...lighthouse, variants: [512, 1024] };

  it("lets the browser choose among the server's widths, by the box", () => {
    const html = renderToString(<MediaImage reference={wide} priority={true} />);
    expect(html).toContain('sizes="min(100vw, 48rem, 1.7778 * 34rem)"');
    expect(html).toContain(`srcSet="${url}?w=512 512w, ${url}?w=1024 1024w"`);
    expect(renderToString(<MediaImage reference={wide} />)).toContain('sizes="auto, ');
    expect(renderToString(<MediaImage reference={wide} sizes="10vw" />)).toContain('sizes="10vw"');
    expect(renderToString(<MediaImage reference={lighthouse} />)).not.toContain("sizes=");
  });

  it("shows the original where the server has none of its widths, and fails where it has neither", () => {
    render(<MediaImage reference={wide} priority={true} />);
    fireEvent.error(image(url) as Element);
    expect([image(url)?.hasAttribute("srcset"), phase()]).toEqual([false, "placeholder"]);
    fireEvent.error(image(url) as Element);
    expect(phase()).toBe("failed");
    // Another try begins with the widths again.
    fireEvent.click(screen.getByRole("button"));
    expect(image(url)?.hasAttribute("srcset")).toBe(true);
  });

  it("offers the least to a reader who saves data", () => {
    vi.stubGlobal("navigator", { connection: { saveData: true } });
    render(<MediaImage reference={wide} priority={true} />);
    expect(image(url)?.getAttribute("srcset")).toBe(`${url}?w=512 512w`);
    vi.unstubAllGlobals();
  });

  it("goes over to the original in the element that is there, and keeps what it shows", async () => {
    const { rerender } = render(<MediaImage reference={wide} priority={true} />);
    await loadAndDecode(url);
    const before = image(url);
    expect(phase()).toBe("full");
    rerender(<MediaImage reference={wide} priority={true} original={true} />);
    expect(image(url)).toBe(before);
    expect([before?.hasAttribute("srcset"), phase()]).toEqual([false, "full"]);
  });
});

describe("MediaImage", () => {
  it("reserves the final box and paints the blur in the first render", () => {
    const html = renderToString(<MediaImage reference={lighthouse} />);
    expect(html).toContain("--coat-ratio:1.77778");
    expect(html).toContain("--coat-natural-width:1600px");
    expect(html).toContain(`src="${decodePlaceholder(placeholder)?.dataUrl}"`);
    expect(html).toContain('data-phase="placeholder"');
  });

  it("goes from placeholder to thumbnail to the picture, each once it is decoded", async () => {
    render(<MediaImage reference={lighthouse} />);
    expect(box().dataset["mediaId"]).toBe(lighthouse.id);
    expect(phase()).toBe("placeholder");

    const thumbnail = image(thumbnailUrl);
    fireEvent.load(thumbnail as Element);
    expect(phase()).toBe("placeholder");
    await act(async () => decoding.get(thumbnailUrl ?? "")?.done());
    expect(phase()).toBe("thumbnail");

    fireEvent.load(image(url) as Element);
    expect(phase()).toBe("thumbnail");
    await act(async () => decoding.get(url ?? "")?.done());
    expect(phase()).toBe("full");
  });

  it("does not go back to a thumbnail that comes late", async () => {
    render(<MediaImage reference={lighthouse} />);
    await loadAndDecode(url);
    await loadAndDecode(thumbnailUrl);
    expect(phase()).toBe("full");
  });

  it("shows a picture that has loaded even where decode() refuses it", async () => {
    render(<MediaImage reference={lighthouse} />);
    fireEvent.load(image(url) as Element);
    await act(async () => decoding.get(url ?? "")?.failed());
    expect(phase()).toBe("full");
  });

  it("takes over a picture that was complete before React listened", async () => {
    vi.spyOn(HTMLImageElement.prototype, "complete", "get").mockReturnValue(true);
    vi.spyOn(HTMLImageElement.prototype, "naturalWidth", "get").mockReturnValue(1600);
    render(<MediaImage reference={lighthouse} />);
    await act(async () => decoding.get(url ?? "")?.done());
    expect(phase()).toBe("full");
  });

  it("says that a picture cannot be loaded, and fetches it anew on request", async () => {
    render(<MediaImage reference={lighthouse} />);
    const first = image(url);
    fireEvent.error(first as Element);
    expect(phase()).toBe("failed");
    expect(screen.getByRole("alert").textContent).toContain("a lighthouse at dusk");

    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(phase()).toBe("placeholder");
    expect(image(url)).not.toBe(first);
    await loadAndDecode(url);
    expect(phase()).toBe("full");
  });

  it("goes on without a thumbnail that fails", async () => {
    render(<MediaImage reference={lighthouse} />);
    fireEvent.error(image(thumbnailUrl) as Element);
    expect(phase()).toBe("placeholder");
    await loadAndDecode(url);
    expect(phase()).toBe("full");
  });

  it("offers no retry for a stored form, which has no address", () => {
    const { url: _, thumbnailUrl: __, ...stored } = lighthouse;
    render(<MediaImage reference={stored} />);
    expect(phase()).toBe("failed");
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("starts over for another picture", async () => {
    const { rerender } = render(<MediaImage reference={lighthouse} />);
    await loadAndDecode(url);
    rerender(<MediaImage reference={{ ...lighthouse, url: "/api/media/image/2" }} />);
    expect(phase()).toBe("placeholder");
  });

  it("describes the picture once, from the reference unless told otherwise", () => {
    const { rerender } = render(<MediaImage reference={lighthouse} />);
    expect(screen.getAllByRole("img").map((element) => element.getAttribute("alt"))).toEqual(
      expect.arrayContaining(["a lighthouse at dusk"]),
    );
    expect(screen.getAllByAltText("a lighthouse at dusk")).toHaveLength(1);
    rerender(<MediaImage reference={lighthouse} alt="A tower" />);
    expect(screen.getAllByAltText("A tower")).toHaveLength(1);
    rerender(<MediaImage reference={lighthouse} alt="" />);
    expect(image(url)?.getAttribute("alt")).toBe("");
  });

  it("loads lazily unless it is told that the picture is in view", () => {
    const { rerender } = render(<MediaImage reference={lighthouse} />);
    expect(image(url)?.getAttribute("loading")).toBe("lazy");
    rerender(<MediaImage reference={lighthouse} priority={true} />);
    expect(image(url)?.getAttribute("loading")).toBe("eager");
  });
});
