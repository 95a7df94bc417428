"""A page as a browser gets it: drawn once as plain HTML, then renewed region by region through NiceGUI's socket."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from anyio import CapacityLimiter, to_thread
from nicegui import Client, ui

from api.dashboard import shell
from api.dashboard.markup import Markup, tag
from api.dashboard.view import Asked, Drawing, View
from api.problems import Refusal, explain
from thumper.errors import ThumperError

log = structlog.get_logger()
TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a browser shall show. regions: empty if nothing could be read; then `trouble` says why."""

    regions: Mapping[str, Markup]
    trouble: Markup = field(default=Markup(""))
    status: int = 200
    title: str | None = None


async def show(view: View, views: Sequence[View], asked: Asked, limiter: CapacityLimiter) -> None:
    """Fill the client's page, and keep it fresh for as long as it is looked at."""
    client = ui.context.client
    drawn = await draw(view, asked, limiter)
    client.status_code = drawn.status
    client.title = f"{drawn.title or view.title} · Thumper"
    ui.add_head_html(shell.head())
    regions = {TROUBLE: drawn.trouble, **drawn.regions}
    ui.add_body_html(shell.frame(view, views, regions, drawn.title))
    if view.every_s is not None:
        renewal = Renewal(client, view, asked, limiter, dict(regions))
        ui.timer(view.every_s, renewal.again, immediate=False)


async def draw(view: View, asked: Asked, limiter: CapacityLimiter) -> Drawn:
    """The page now. What cannot be read is said, and never replaced by what was true before."""
    try:
        drawing: Drawing = await to_thread.run_sync(view.draw, asked, limiter=limiter)
    except Refusal as refusal:
        return _not_drawn(refusal)
    except ThumperError as error:
        log.warning("a page cannot be drawn", page=view.path, error=repr(error))
        told = explain(error)
        # A page has no request id to look for in the log.
        return _not_drawn(Refusal(told.status_code, str(told.detail), told.hint.partition("; the log")[0]))
    return Drawn(drawing.regions, title=drawing.title)


@dataclass(slots=True)
class Renewal:
    """What one browser shows, and how it is kept true. Only what has changed is sent."""

    client: Client
    view: View
    asked: Asked
    limiter: CapacityLimiter
    sent: dict[str, Markup]

    async def again(self) -> None:
        """Draw anew and send the difference."""
        drawn = await draw(self.view, self.asked, self.limiter)
        if self.client.is_deleted:
            return
        if drawn.regions and not self.sent.keys() >= drawn.regions.keys():
            # There was nothing to show when the page was opened, so it has no places to show it in.
            self.client.run_javascript("location.reload()")
            return
        now = {TROUBLE: drawn.trouble, **drawn.regions}
        changed = {name: html for name, html in now.items() if self.sent.get(name) != html}
        if changed:
            self.sent.update(changed)
            self.client.run_javascript(f"thumper.renew({json.dumps(changed)})")


def _not_drawn(refusal: Refusal) -> Drawn:
    return Drawn({}, _said(refusal), refusal.status_code)


def _said(refusal: Refusal) -> Markup:
    words = tag("strong", f"{refusal.detail[:1].upper()}{refusal.detail[1:]}. ")
    # Commands stand in backticks.
    hint = [tag("code", part) if index % 2 else part for index, part in enumerate(refusal.hint.split("`"))]
    return tag("p", words, hint, role="alert", class_="trouble")
