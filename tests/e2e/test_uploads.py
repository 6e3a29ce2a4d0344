"""Pictures of the reader's own: chosen, pasted and dropped, watched on their way, and sent."""

import base64
import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.e2e.conftest import Visit
from tests.media import image_bytes, png_bytes

UPLOAD = "**/api/media/upload*"


def file(name: str, seed: int = 0, width: int = 320, height: int = 200) -> FilePayload:
    kind = "jpeg" if name.endswith(".jpg") else "png"
    return {
        "name": name,
        "mimeType": f"image/{kind}",
        "buffer": image_bytes(kind, width, height, seed),
    }


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_test_id("file-input").set_input_files(list(files))


def attachments(page: Page, status: str | None = None) -> Locator:
    wanted = "" if status is None else f'[data-status="{status}"]'
    return page.locator(f'[data-testid="attachment"]{wanted}')


def transfer(page: Page, target: str, event: str, *files: FilePayload) -> None:
    """Paste or drop files, as the browser would tell of it."""
    page.evaluate(
        """([target, type, files]) => {
            const transfer = new DataTransfer();
            for (const {name, mimeType, data} of files) {
                const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name, {type: mimeType}));
            }
            const init = {bubbles: true, cancelable: true};
            const event = type === 'paste'
                ? new ClipboardEvent(type, {...init, clipboardData: transfer})
                : new DragEvent(type, {...init, dataTransfer: transfer});
            document.querySelector(target).dispatchEvent(event);
        }""",
        [
            target,
            event,
            [
                {**one, "buffer": None, "data": base64.b64encode(one["buffer"]).decode()}
                for one in files
            ],
        ],
    )


def test_several_pictures_are_chosen_sent_and_still_there_after_a_reload(visit: Visit) -> None:
    page = visit.page
    choose(page, file("a lake.png", 1), file("photo.jpg", 2, 200, 320))
    expect(attachments(page, "ready")).to_have_count(2)
    visit.screenshot("attached")
    visit.say("Look at these")
    pictures = page.locator('[data-testid="message-user"] [data-testid="media-image"]')
    expect(pictures).to_have_count(2)
    visit.await_pictures(2)
    visit.await_answer()
    expect(attachments(page)).to_have_count(0)
    expect(page.get_by_test_id("message-user")).to_contain_text("Look at these")
    assert visit.widths() == [320, 200]
    # What went over the socket are two references.
    assert max(len(frame.encode()) for frame in visit.frames) <= 2048
    page.reload()
    visit.await_pictures(2)
    assert visit.widths() == [320, 200]
    expect(page.locator("img[alt='a lake.png']")).to_be_visible()
    assert visit.complaints == []


def test_a_picture_alone_is_a_message_and_names_its_conversation(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_test_id("composer-send")).to_be_disabled()
    choose(page, file("lonely lamp.png", 3))
    expect(page.get_by_test_id("composer-send")).to_be_enabled()
    page.get_by_test_id("composer-input").press("Enter")
    visit.await_pictures(1)
    visit.await_answer()
    expect(page.get_by_role("heading", level=1)).to_have_text("lonely lamp.png")


def test_a_picture_is_seen_before_a_byte_of_it_has_left(visit: Visit) -> None:
    page, held = visit.page, list[Route]()
    page.route(UPLOAD, lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    choose(page, file("sea.png", 4))
    expect(attachments(page, "sending")).to_have_count(1)
    thumbnail = page.locator('[data-testid="attachment"] img')
    expect(thumbnail).to_have_attribute("src", re.compile("^blob:"))
    page.wait_for_function(
        "document.querySelector('[data-testid=attachment] img')?.naturalWidth === 320"
    )
    bar = page.get_by_role("progressbar", name="Uploading sea.png")
    expect(bar).to_be_visible()
    page.get_by_test_id("composer-input").fill("too early")
    expect(page.get_by_test_id("composer-send")).to_be_disabled()
    expect(page.get_by_text("Uploading 1 picture…")).to_be_attached()
    visit.screenshot("uploading")
    held[0].continue_()
    expect(attachments(page, "ready")).to_have_count(1)
    expect(page.get_by_text("1 picture attached.")).to_be_attached()
    expect(page.get_by_test_id("composer-send")).to_be_enabled()


def test_progress_is_told_while_the_bytes_leave(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    large = tmp_path / "large.png"
    large.write_bytes(png_bytes(64, 64) + bytes(4_000_000))
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_500_000},
    )
    page.evaluate(
        """() => {
            window.seen = [];
            new MutationObserver(() => {
                const bar = document.querySelector('[role=progressbar]');
                if (bar) window.seen.push(Number(bar.getAttribute('aria-valuenow')));
            }).observe(document.body, {subtree: true, childList: true, attributes: true});
        }"""
    )
    page.get_by_test_id("file-input").set_input_files(large)
    expect(attachments(page, "ready")).to_have_count(1, timeout=30_000)
    seen: list[int] = page.evaluate("window.seen")
    assert seen == sorted(seen)
    assert len([value for value in set(seen) if 0 < value < 100]) >= 3


def test_pasting_and_dropping_attach_too(visit: Visit) -> None:
    page = visit.page
    transfer(page, "textarea", "paste", file("pasted.png", 5))
    expect(attachments(page, "ready")).to_have_count(1)
    transfer(page, "body", "dragenter", file("dropped.png", 6))
    expect(page.get_by_text("Drop pictures to attach them")).to_be_visible()
    visit.screenshot("dropping")
    transfer(page, "body", "drop", file("dropped.png", 6), file("second.png", 7))
    expect(page.get_by_text("Drop pictures to attach them")).to_be_hidden()
    expect(attachments(page, "ready")).to_have_count(3)
    assert page.url == f"{visit.server.url}/"


def test_text_is_pasted_as_text(visit: Visit) -> None:
    page = visit.page
    page.get_by_test_id("composer-input").focus()
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.setData('text/plain', 'words');
            transfer.items.add(new File(['x'], 'picture of words.png', {type: 'image/png'}));
            const init = {bubbles: true, cancelable: true, clipboardData: transfer};
            window.taken = !document.activeElement.dispatchEvent(new ClipboardEvent('paste', init));
        }"""
    )
    assert page.evaluate("window.taken") is False
    expect(attachments(page)).to_have_count(0)


def test_an_upload_is_stopped_tried_again_and_taken_out(visit: Visit) -> None:
    page, held = visit.page, list[Route]()
    page.route(UPLOAD, lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    choose(page, file("sea.png", 8))
    expect(attachments(page, "sending")).to_have_count(1)
    page.get_by_role("button", name="Stop uploading sea.png").click()
    expect(attachments(page, "failed")).to_contain_text("Stopped.")
    page.unroute(UPLOAD)
    with page.expect_response(UPLOAD) as stored:
        page.get_by_role("button", name="Try sea.png again").click()
    expect(attachments(page, "ready")).to_have_count(1)
    identifier = stored.value.json()["id"]
    media = f"{visit.server.url}/api/media/{identifier}"
    assert httpx.get(media).status_code == 200
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="Remove sea.png").click()
    expect(attachments(page)).to_have_count(0)
    # Nobody wants it: the server need not keep it.
    assert httpx.get(media).status_code == 404


def test_what_cannot_be_attached_says_why_and_the_rest_is_sent(visit: Visit) -> None:
    page = visit.page
    choose(
        page,
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"},
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture at all"},
        {"name": "cut.png", "mimeType": "image/png", "buffer": png_bytes(300, 300)[:-500]},
        file("good.png", 9),
    )
    expect(attachments(page, "ready")).to_have_count(1)
    failed = attachments(page, "failed")
    expect(failed).to_have_count(3)
    for index, complaint in enumerate(["no picture", "claims to be an image", "damaged"]):
        alert = failed.nth(index).get_by_role("alert")
        expect(alert).to_contain_text(complaint)
    expect(page.get_by_role("button", name=re.compile("Try .* again"))).to_have_count(0)
    visit.say("One of four")
    visit.await_pictures(1)
    expect(attachments(page)).to_have_count(3)


def test_a_file_that_is_too_large_is_refused_with_the_limit(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    large = tmp_path / "huge.png"
    with large.open("wb") as output:
        output.write(png_bytes(64, 64))
        output.truncate(65 * 1024 * 1024)
    page.get_by_test_id("file-input").set_input_files(large)
    expect(attachments(page, "failed")).to_contain_text(
        "larger than 67,108,864 bytes", timeout=30_000
    )


def test_without_a_network_it_says_so_and_goes_on_when_it_is_back(visit: Visit) -> None:
    page = visit.page
    page.context.set_offline(offline=True)
    choose(page, file("sea.png", 10))
    expect(attachments(page, "failed")).to_contain_text("There is no network.")
    visit.screenshot("offline")
    page.context.set_offline(offline=False)
    page.get_by_role("button", name="Try sea.png again").click()
    expect(attachments(page, "ready")).to_have_count(1)


def test_attachments_are_handled_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    choose(page, file("one.png", 11), file("two.png", 12))
    expect(attachments(page, "ready")).to_have_count(2)
    page.get_by_test_id("composer-input").focus()
    for name in ("Attach pictures", "Remove two.png"):
        page.keyboard.press("Shift+Tab")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert focused == name
    page.keyboard.press("Enter")
    expect(attachments(page)).to_have_count(1)
    expect(attachments(page)).to_contain_text("one.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_everything_has_its_place(visit: Visit, scheme: str) -> None:
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    wide = file("a very long name that does not fit on the screen of a phone.png", 13, 900, 300)
    choose(page, wide, file("tall.png", 14, 100, 900))
    expect(attachments(page, "ready")).to_have_count(2)
    visit.screenshot(f"phone-attached-{scheme}")
    visit.say("Wide and tall")
    visit.await_pictures(2)
    visit.await_answer()
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow == 0
    boxes = [box.bounding_box() for box in page.get_by_test_id("media-image").all()]
    assert all(
        box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes
    )
    visit.screenshot(f"phone-pictures-{scheme}")


def test_the_history_holds_what_was_uploaded_as_a_reference(visit: Visit) -> None:
    page = visit.page
    choose(page, file("kept.png", 15))
    expect(attachments(page, "ready")).to_have_count(1)
    visit.say("Keep it")
    visit.await_pictures(1)
    visit.await_answer()
    conversation = page.url.rpartition("/")[2]
    messages = httpx.get(f"{visit.server.url}/api/conversations/{conversation}/messages").json()
    parts = messages["messages"][0]["parts"]
    assert [part["type"] for part in parts] == ["data-media", "text"]
    assert parts[0]["data"]["reference"]["displayName"] == "kept.png"
    assert len(json.dumps(parts)) < 2048
