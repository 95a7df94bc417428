"""Pictures by drag and drop; the browser sends them to the API's own address for it."""

from api.dashboard.icons import icon
from api.dashboard.markup import Markup, tag
from api.dashboard.pieces import card, empty
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import size
from api.routes.overview import locations
from api.routes.uploads import MOST_FILES
from api.security import MAX_UPLOAD_BYTES

ACCEPTED = ".jpg,.jpeg,.png,.tif,.tiff,.webp,.heic,.heif"


def draw(asked: Asked) -> Drawing:
    """Raises DatabaseDown."""
    if asked.parts.uploads is None:
        return Drawing({"form": card("", empty("This API takes no pictures. Use `thumper import`."))})
    known = [tag("option", value=place.name) for place in locations(asked.parts)]
    return Drawing({"form": tag("div", _form(known, asked.parts.settings.max_picture_bytes), _result())})


VIEW = View("/upload", "Upload", "upload", draw)


def _form(known: list[Markup], most_bytes: int) -> Markup:
    words = f"JPEG, PNG, TIFF, WebP or HEIC, up to {size(min(most_bytes, MAX_UPLOAD_BYTES))} each"
    return tag(
        "form",
        tag(
            "label",
            tag("span", "Location"),
            tag("input", name="location_name", required=True, maxlength=200, list="known", autocomplete="off"),
            tag("datalist", known, id="known"),
        ),
        tag(
            "label",
            icon("upload"),
            tag("strong", "Drop pictures here, or choose them"),
            tag("span", words, class_="note"),
            tag("input", type="file", name="files", multiple=True, accept=ACCEPTED, id="files"),
            class_="drop",
            id="drop",
        ),
        tag("p", "No pictures chosen.", id="chosen", role="status"),
        tag("button", "Upload", class_="primary", id="send"),
        id="upload",
        class_="card upload",
        data_most_files=MOST_FILES,
        # A multipart body is a little longer than its files.
        data_most_bytes=MAX_UPLOAD_BYTES * 9 // 10,
        data_most_each=most_bytes,
    )


def _result() -> Markup:
    return tag(
        "section",
        tag("h2", "Progress"),
        tag("progress", value="0", max="1", id="sent", aria_label="Uploaded"),
        tag("p", id="outcome", role="status"),
        tag("ul", id="refused"),
        id="result",
        class_="card",
        hidden=True,
    )
