"""Real pictures and odd files through the whole way: the real import, the real detector, real tables, the API."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.wiring import before_apps
from tests.processes import Processes, free_port
from tests.producers.pictures import DATA
from thumper.settings import Settings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there"),
]
NUMBERS = ("total", "pending", "processing", "completed", "failed")
Corners = tuple[float, float, float, float]

# What the notes of MANIFEST.tsv lead one to expect of odd/. By its name no picture, so not even opened:
PASSED_OVER = {"animated.gif", "decompression_bomb.gif"}
# Not imported, with the reason:
NO_PICTURE = {
    "odd/zero_bytes.JPG": "the file is empty (0 bytes)",
    "odd/text_renamed.jpg": "not a picture: it is text",
}
# Imported, since their headers are those of pictures, and failed with class and words:
FAILED = {
    "odd/truncated_at_600kB.jpg": ("decode", "truncated"),
    "odd/truncated_jpeg.jpg": ("decode", "truncated"),
    "odd/bomb_30000x30000_1bit.png": ("too_large", "30000 x 30000 is 900 Mpx; the limit is 100"),
}
# Stored lying on its side, 1,536 wide: width and height as people see it.
TURNED = ("odd/exif_orientation.jpg", (2_048, 1_536))
# The years that EXIF gives which the notes call zero, future or of a wrong type.
YEARS = {"odd/exif_date_zeros.jpg": None, "odd/exif_date_future_gps.jpg": 2_099, "odd/exif_typeerror.jpg": 2_010}

# Where one sees them on the pictures: relative corners, read off by eye to a hundredth.
SEEN: list[tuple[str, str, Corners]] = [
    ("cameratrapai/american_black_bear.jpg", "bear", (0.44, 0.43, 0.75, 0.75)),
    ("cameratrapai/domestic_cattle.jpg", "cow", (0.38, 0.44, 0.50, 0.59)),
    ("cameratrapai/domestic_cattle.jpg", "cow", (0.58, 0.37, 0.66, 0.50)),
    ("cameratrapai/human.jpg", "person", (0.71, 0.50, 0.77, 0.74)),
    ("cameratrapai/african_elephants.jpg", "elephant", (0.56, 0.42, 0.65, 0.58)),
    ("animl_py_buow/IMG_0708.JPG", "bird", (0.49, 0.48, 0.75, 0.80)),
]
EMPTY = ("cameratrapai/blank.jpg", "cameratrapai/blank2.jpg", "cameratrapai/blank3.jpg", "ecoassist/empty.jpg")


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def manifest() -> dict[str, dict[str, str]]:
    """The rows of MANIFEST.tsv by path, without the weights."""
    lines = (DATA / "MANIFEST.tsv").read_text("utf-8").splitlines()
    rows = {row["path"]: row for row in csv.DictReader(lines, delimiter="\t")}
    return {path: row for path, row in rows.items() if not path.startswith("weights/")}


def everything(parts: Processes, path: str) -> list[Any]:
    """All items of a list of the API, page by page."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = parts.get(f"{path}?limit=17{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def check_numbers(parts: Processes, completed: int, failed: int) -> None:
    """Terminal, API and SQL say the same, it adds up, and nothing is left to do."""
    wanted = [completed + failed, 0, 0, completed, failed]
    terminal, api = parts.status(), parts.get("/api/status")
    assert [terminal[name] for name in NUMBERS] == [api[name] for name in NUMBERS] == wanted
    assert (terminal["lag"], api["lag"], terminal["state"], parts.lag("sink")) == (0, 0, "Idle", 0)
    states = dict(parts.sql("SELECT processing_status, count(*) FROM images GROUP BY 1"))
    assert states == {state: count for state, count in (("completed", completed), ("failed", failed)) if count}


def test_each_odd_file_gets_what_its_note_leads_one_to_expect(parts: Processes) -> None:
    sink, api = parts.sink().wait_ready(), parts.api()
    done = parts.run("import", str(DATA / "odd"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    for path, reason in NO_PICTURE.items():
        assert f"{path}: {reason}" in done.stdout
    odd = {path: row for path, row in manifest().items() if path.startswith("odd/")}
    imported = odd.keys() - NO_PICTURE.keys() - {f"odd/{name}" for name in PASSED_OVER}
    assert f"[OK] Total new imports: {len(imported)}" in done.stdout
    assert f"{len(PASSED_OVER)} other files" in done.stdout
    unusable = {path for path, row in odd.items() if not row["pillow"].endswith(" ok")}
    assert unusable == {*NO_PICTURE, *FAILED, "odd/decompression_bomb.gif"}, "as far as Pillow can open them"

    detector = parts.start("detector", "--name", "d1").wait_ready()
    parts.wait_drained()
    check_numbers(parts, len(imported) - len(FAILED), len(FAILED))
    check_odd_pictures(parts, imported)
    for part in (detector, sink, api):
        assert "Traceback" not in part.log
        assert part.stop() == 0


def check_odd_pictures(parts: Processes, imported: set[str]) -> None:
    pictures = {picture["path"]: picture for picture in everything(parts, "/api/images")}
    assert pictures.keys() == imported
    for path, picture in pictures.items():
        error_class, words = FAILED.get(path, (None, ""))
        assert (picture["status"], picture["error_class"]) == ("failed" if words else "completed", error_class), path
        assert words in (picture["error_message"] or ""), path
        assert thumbnail(parts, picture["image_id"]).status_code == (422 if words else 200), path
    for path, year in YEARS.items():
        taken_at = pictures[path]["taken_at"]
        assert (taken_at and int(taken_at[:4])) == year, path
    size = "SELECT r.width_px, r.height_px FROM image i JOIN result r USING (image_id) WHERE i.path = :path"
    path, upright = TURNED
    assert parts.sql(size, path=path) == [upright]


def thumbnail(parts: Processes, image_id: str) -> httpx.Response:
    address = f"http://127.0.0.1:{parts.settings.api_port}/api/images/{image_id}/thumbnail"
    return httpx.get(address, timeout=60, trust_env=False)


def test_animals_are_found_where_they_are_and_blanks_are_empty(parts: Processes) -> None:
    wanted = {path for path in manifest() if not path.startswith("odd/")}
    folders = sorted({str(DATA / path.partition("/")[0]) for path in wanted})
    sink, api = parts.sink().wait_ready(), parts.api()
    done = parts.run("import", *folders)
    assert done.returncode == 0, done.stderr
    assert f"[OK] Total new imports: {len(wanted)}" in done.stdout
    weights = DATA / "weights" / "yolov8n_int8.onnx"
    detector = parts.start("detector", "--name", "d1", "--weights", str(weights)).wait_ready()
    parts.wait_drained()
    check_numbers(parts, len(wanted), 0)
    (model,) = [model for model in parts.get("/api/models") if model["active"]]
    assert (model["name"], len(model["classes"]), model["display_threshold"]) == ("yolov8n_int8", 80, 0.5)

    shown = boxes_by_path(parts)
    for path, class_name, place in SEEN:
        assert any(name == class_name and overlap(box, place) >= 0.5 for name, box in shown[path]), shown[path]
    assert {path: shown.get(path, []) for path in EMPTY} == {path: [] for path in EMPTY}
    check_api_and_sql_agree(parts)
    assert [part.stop() for part in (detector, api, sink)] == [0, 0, 0]


def boxes_by_path(parts: Processes) -> dict[str, list[tuple[str, Corners]]]:
    """Class and corners of the boxes that the view `detections` shows: those from the display threshold on."""
    found: dict[str, list[tuple[str, Corners]]] = {}
    query = (
        "SELECT i.path, d.confidence, d.class_name, x1, y1, x2, y2 FROM detections d JOIN images i ON i.id = d.image_id"
    )
    for path, confidence, class_name, *corners in parts.sql(query):
        assert confidence >= 0.5
        x1, y1, x2, y2 = corners
        found.setdefault(path, []).append((class_name, (x1, y1, x2, y2)))
    return found


def overlap(first: Corners, second: Corners) -> float:
    """Intersection over union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (both - shared)


def check_api_and_sql_agree(parts: Processes) -> None:
    """Picture by picture and box by box."""
    keys = ("image_id", "class_name", "confidence", "x1", "y1", "x2", "y2")
    boxes = parts.sql(f"SELECT image_id::text, {', '.join(keys[1:])} FROM detections ORDER BY 1, 3, 4")  # noqa: S608
    told = [tuple(item[key] for key in keys) for item in everything(parts, "/api/detections")]
    assert sorted(told, key=lambda box: (box[0], box[2], box[3])) == boxes
    counts = "SELECT count(*) FROM detections d WHERE d.image_id = i.id"
    pictures = parts.sql(f"SELECT id::text, path, processing_status, ({counts}) FROM images i ORDER BY 1")  # noqa: S608
    names = ("image_id", "path", "status", "detection_count")
    assert sorted(tuple(item[name] for name in names) for item in everything(parts, "/api/images")) == pictures
