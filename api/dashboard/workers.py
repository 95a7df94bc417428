"""Who works: device, model, true batch size, what is in hand, how fast, what went wrong last."""

from api.dashboard.markup import Child, Markup, tag
from api.dashboard.pieces import button, card, empty, figure, pill, table
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import NOTHING, count, span
from api.history import rate
from api.responses import WorkerAnswer
from api.routes.lag import workers

_KINDS = {"running": "good", "starting": "info", "paused": "warn", "draining": "info", "stopped": "idle"}


def draw(asked: Asked) -> Drawing:
    """Never fails: heartbeats are in memory."""
    known = workers(asked.parts)
    return Drawing(
        {
            "sums": _sums(known, rate(asked.parts.workers, asked.parts.clock)),
            "workers": _all(known),
            "wishes": _wishes(),
        }
    )


VIEW = View("/workers", "Workers", "workers", draw, every_s=2.0)


def _sums(known: list[WorkerAnswer], per_minute: float) -> Markup:
    live = [worker for worker in known if worker.alive]
    detectors = [worker for worker in live if worker.role == "detector"]
    return tag(
        "dl",
        figure("working", count(len(live)), f"of {count(len(known))} heard of in the last hour"),
        figure("detectors", count(len(detectors))),
        figure("pictures in hand", count(sum(worker.in_flight for worker in detectors))),
        figure("pictures a minute", count(per_minute)),
        class_="figures four",
    )


def _wishes() -> Markup:
    """Told to the live group; what it then does is seen above, within seconds."""
    pause = button(
        "Pause", "/api/groups/detector/pause", "pause", ask="Pause all detectors? What waits, waits until they go on."
    )
    return card(
        "Detectors",
        tag(
            "p",
            pause,
            button("Finish, then pause", "/api/groups/detector/drain", "drain", ask="Finish what waits, then pause?"),
            button("Go on", "/api/groups/detector/resume", "resume"),
            class_="row",
        ),
        note="They go on where they stopped: nothing is lost or done twice.",
    )


def _all(known: list[WorkerAnswer]) -> Markup:
    if not known:
        return card("Workers", empty("Nobody has been heard of in the last hour. `thumper up` starts them."))
    names = ("Worker", "State", "Device", "Model", "Batch", "In hand", "A minute", "Done", "Last error")
    caption = "Workers by name, with what they do now"
    return card("Workers", table(names, [_row(worker) for worker in known], caption, (4, 5, 6, 7)))


def _row(worker: WorkerAnswer) -> list[Child]:
    state = pill(worker.state, _KINDS[worker.state]) if worker.alive else pill(f"silent {span(worker.age_s)}", "bad")
    if worker.state == "stopped":
        state = pill("stopped", "idle")
    return [
        tag("span", tag("strong", worker.worker), tag("span", worker.group, class_="note"), class_="two"),
        state,
        worker.device or NOTHING,
        worker.model_name or NOTHING,
        f"{worker.batch_size:.1f}" if worker.batch_size else NOTHING,
        count(worker.in_flight) if worker.alive else NOTHING,
        count(worker.rate_per_minute) if worker.alive else NOTHING,
        count(worker.done_total),
        tag("span", worker.last_error, class_="error") if worker.last_error else NOTHING,
    ]
