"""Writes the model card: what the demo model was shown, what it knows, what it does not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from models.judge import Figures

_CARD: Final = """# Model card: thumper-demo

A small detector that exists so that the pipeline has something to run without any download.
**It knows drawings, not your deer.** On photographs its answers mean nothing: give your own weights
(`make demo WEIGHTS=file`).

| | |
| --- | --- |
| architecture | YOLO26n from its yaml, trained from nothing: no pretrained weights are in it |
| input | RGB, longer side 320 px, sides multiples of 32, 0 to 1 |
| output | batch x 300 x (x0, y0, x1, y1, confidence, class), suppression built in |
| classes, in this order | cattle, pig, raccoon, doe, unknown, buck |
| files | `thumper-demo.onnx` (float16 weights, float32 in and out), `thumper-demo.pt` (half precision) |
| description | `thumper-demo.json`, which a detector reads beside either |
| licence | AGPL-3.0, like the project and the library that trained it |

## Data

{pictures} scenes for training, {checked} for choosing the epoch and {checked} for the figures below, all drawn by
`models/scenes.py`: day and infrared night, four landscapes and snow, fog, falling snow, feeders, trees and grass in
front, information strip, none to four animals, some partly hidden or cut off. No photograph was used. Each scene of
the three sets has a landscape, animals and light of its own; training pictures are 640 to 1280 px wide, the judged
ones have the demo's sizes (1280 x 960, 1920 x 1080, 1600 x 1200).

## Figures

Of the ONNX file, on the {checked} judged scenes, read as a detector reads them (JPEG decoder's own scaling, letterbox
to 320 px, OpenVINO in float32). AP50 is the average precision at IoU 0.5; found and false count boxes at the display
threshold of 0.5.

| class | animals | AP50 | found | false |
| --- | --- | --- | --- | --- |
{rows}

## Limits

- It has seen six drawn kinds in side view. It cannot know another animal, another angle, a real coat or a real lens.
- Animals far away, mostly hidden or one behind the other are what it misses; a doe with her head behind a trunk and a
  buck whose antlers are cut off look alike to it.
- The figures speak of drawings from the same hand as the training pictures. They say that the pipeline loses nothing,
  not how well any model will do on a ranch.

## Again

`python -m models.train` (needs the extra `torch`) draws the pictures, trains {coarse_epochs} epochs at {coarse_px} px
and {epochs} at 320 px on the CPU, exports, judges and writes this card. Drawing is the same from the same seeds;
training is not the same to the bit from one machine to another, so figures and checksums vary a little. It takes about
an hour on two cores, downloads nothing, and is not part of `make test`.
"""


def write_report(target: Path, figures: Mapping[str, Figures], facts: Mapping[str, int]) -> None:
    """Writes the card; `facts`: pictures, checked, coarse_epochs, coarse_px, epochs."""
    rows = "\n".join(
        f"| {name} | {row.animals} | {row.ap50:.3f} | {row.found} | {row.false} |" for name, row in figures.items()
    )
    target.write_text(_CARD.format(rows=rows, **facts))
