"""Pictures with their boxes drawn, and one page to leaf through them: files only, nothing that must be served."""

import shutil
from html import escape
from pathlib import Path

from sqlalchemy import text

from api.pictures import Boxed, with_boxes
from thumper.database import make_engine
from thumper.errors import PictureError
from thumper.settings import Settings
from thumper.store import Store

MOST = 36
SIDE_PX = 960

# The surest picture of each class and place first, so that a few pictures show everything that was found.
CHOSEN_SQL = """
WITH best AS (
    SELECT DISTINCT ON (d.image_id) d.image_id, d.class_name, d.confidence
    FROM detections d ORDER BY d.image_id, d.confidence DESC
), ranked AS (
    SELECT b.*, i.location_id,
           row_number() OVER (PARTITION BY b.class_name, i.location_id ORDER BY b.confidence DESC, b.image_id) AS rank
    FROM best b JOIN images i ON i.id = b.image_id
)
SELECT r.image_id, r.class_name, m.uri, m.size_bytes, coalesce(l.name, ''), m.taken_at
FROM ranked r JOIN image m ON m.image_id = r.image_id LEFT JOIN locations l ON l.id = r.location_id
ORDER BY r.rank, r.class_name, l.name LIMIT :most
"""
BOXES_SQL = """
SELECT class_id, class_name, confidence, x1, y1, x2, y2 FROM detections WHERE image_id = :image ORDER BY confidence DESC
"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Thumper: what was found</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px system-ui;margin:2rem;background:#f6f5f2;color:#222}}
main{{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(280px,1fr))}}
figure{{margin:0;background:#fff;border-radius:8px;overflow:hidden;box-shadow:0 1px 4px #0003}}
img{{width:100%;display:block}}figcaption{{padding:.5rem .75rem}}small{{color:#666}}</style>
<h1>What was found</h1><main>
{figures}
</main></html>
"""


def write_gallery(settings: Settings, folder: Path, most: int = MOST) -> int:
    """Draw up to `most` pictures into `folder`, emptied first, with an index.html; how many."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store = Store(settings)
    engine = make_engine(settings, read_only=True)
    figures: list[str] = []
    with engine.connect() as connection:
        for image, class_name, uri, size_bytes, location, taken_at in connection.execute(
            text(CHOSEN_SQL), {"most": most}
        ).all():
            boxes = [Boxed(*row) for row in connection.execute(text(BOXES_SQL), {"image": image})]
            try:
                drawn = with_boxes(store.read(uri, size_bytes, settings.max_picture_bytes), boxes, SIDE_PX)
            except PictureError:
                continue
            name = f"{len(figures) + 1:02}-{_file_word(class_name)}.jpg"
            (folder / name).write_bytes(drawn)
            figures.append(_figure(name, ", ".join(box.class_name for box in boxes), f"{location} {taken_at or ''}"))
    engine.dispose()
    (folder / "index.html").write_text(PAGE.format(figures="\n".join(figures)), "utf-8")
    return len(figures)


def _figure(name: str, classes: str, where: str) -> str:
    return (
        f'<figure><a href="{name}"><img src="{name}" alt="{escape(classes)}" loading="lazy"></a>'
        f"<figcaption>{escape(classes)}<br><small>{escape(where)}</small></figcaption></figure>"
    )


def _file_word(text_: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in text_)[:40]
