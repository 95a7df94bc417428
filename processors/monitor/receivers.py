"""Who is told of alerts: the log, a webhook, an Alertmanager."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from schemas.alert import Alert
from thumper.clock import Clock
from thumper.errors import Retriable
from thumper.settings import Settings

TIMEOUT_S = 10.0
# What is below is success.
MULTIPLE_CHOICES = 300
# Answers of a receiver that does not want what it was sent. 408 and 429 mean: later.
REFUSALS = frozenset(range(400, 500)) - {408, 429}
# Alertmanager takes for resolved what nobody repeats: repeated once a minute, it lasts for four.
REPEAT_S = 60.0
LASTS = timedelta(minutes=4)
log = structlog.get_logger("thumper.alerts")


class NotDelivered(Retriable):
    """A receiver did not take it. Says nothing of the address, which may be a secret."""


class Refused(NotDelivered):
    """It has read it and does not want it (4xx): sent again, it is refused again."""


class Receiver(Protocol):
    """quiet_s: see told.py. repeat_s: how often it wants to hear of all that is raised; None: never again."""

    name: str
    quiet_s: float
    repeat_s: float | None

    def send(self, alerts: Sequence[Alert]) -> None:
        """Tell. Blocks for TIMEOUT_S at most, or a little longer. Raises NotDelivered, Refused."""
        ...


class LogLines:
    """One line for each."""

    name = "log"
    quiet_s = 0.0
    repeat_s: float | None = None

    def send(self, alerts: Sequence[Alert]) -> None:
        """See Receiver."""
        for alert in alerts:
            said = alert.model_dump(include={"name", "summary", "observed", "threshold", "action", "runbook"})
            if alert.type == "alert.raised":
                log.error("alert raised", **said)
            else:
                log.info("alert resolved", **said)


class Webhook:
    """POSTs one JSON object for each. `text` is what chat programs show (Slack, Mattermost)."""

    name = "webhook"
    repeat_s: float | None = None

    def __init__(self, address: str, quiet_s: float) -> None:
        self._address = address
        self.quiet_s = quiet_s

    def send(self, alerts: Sequence[Alert]) -> None:
        """See Receiver."""
        for alert in alerts:
            status = "firing" if alert.type == "alert.raised" else "resolved"
            text = ". ".join(word for word in (f"{status}: {alert.summary} ({alert.name})", alert.action) if word)
            _post(self._address, {"status": status, "text": text, "alert": alert.model_dump(mode="json")}, self.name)


class Alertmanager:
    """Its API v2. It groups, waits and repeats by its own rules."""

    name = "alertmanager"
    quiet_s = 0.0
    repeat_s: float | None = REPEAT_S

    def __init__(self, address: str, clock: Clock) -> None:
        self._address = address.rstrip("/") + "/api/v2/alerts"
        self._clock = clock

    def send(self, alerts: Sequence[Alert]) -> None:
        """See Receiver."""
        if alerts:
            _post(self._address, [self._entry(alert) for alert in alerts], self.name)

    def _entry(self, alert: Alert) -> dict[str, object]:
        now = self._clock.wall()
        kind, _, about = alert.name.partition("/")
        said = {
            "summary": alert.summary,
            "description": alert.action,
            "observed": alert.observed,
            "threshold": alert.threshold,
            "runbook_url": alert.runbook,
        }
        times = {"endsAt": (now + LASTS if alert.type == "alert.raised" else now).isoformat()}
        if alert.since is not None:
            times["startsAt"] = alert.since.isoformat()
        labels = {"alertname": f"Thumper_{kind}", "name": alert.name, "service": "thumper"}
        return {
            "labels": labels | ({"about": about} if about else {}),
            "annotations": {name: value for name, value in said.items() if value},
            **times,
        }


def receivers(settings: Settings, clock: Clock) -> list[Receiver]:
    """Those that the settings name, and the log."""
    found: list[Receiver] = [LogLines()]
    if settings.alert_webhook is not None:
        found.append(Webhook(settings.alert_webhook.get_secret_value(), settings.alert_quiet_s))
    if settings.alert_alertmanager is not None:
        found.append(Alertmanager(settings.alert_alertmanager, clock))
    return found


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A POST that is sent elsewhere becomes a GET there, and nobody has been told."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _post(address: str, body: object, who: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - the settings take http and https only
        address, json.dumps(body).encode(), {"Content-Type": "application/json", "User-Agent": "thumper"}
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        error.close()
        kind = Refused if error.code in REFUSALS else NotDelivered
        raise kind(f"the {who} answers {error.code}", f"is THUMPER_ALERT_{who.upper()} right?") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = type(getattr(error, "reason", error)).__name__
        raise NotDelivered(f"the {who} does not answer ({reason})", f"is THUMPER_ALERT_{who.upper()} right?") from None
    if status >= MULTIPLE_CHOICES:
        raise NotDelivered(f"the {who} answers {status}", f"is THUMPER_ALERT_{who.upper()} right?")
