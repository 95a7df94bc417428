"""What people run this for: which animals, where, at which hour, on which day, the newest first."""

from datetime import date, timedelta
from uuid import UUID

from api.dashboard import atlas, charts
from api.dashboard.markup import Child, Markup, join, link, tag
from api.dashboard.pictures import classes, field, narrowing, place_options, select
from api.dashboard.pieces import card, empty, table, thumbnails
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import count, moment, plural, share
from api.deps import Deps, Filters, shown
from api.queries import snapshot
from api.responses import Location
from api.routes.images import images
from api.routes.overview import locations
from api.sightings import Sightings, sightings

NEWEST = 12
# More days than this are put together by month.
MOST_DAYS = 62
MOST_PLACES = 100


def draw(asked: Asked) -> Drawing:
    """Raises Refusal, KafkaDown, DatabaseDown."""
    narrowed = narrowing(asked, limit=NEWEST)
    found = sightings(asked.parts, narrowed)
    places = {place.location_id: place for place in locations(asked.parts)}
    if not found.classes:
        return Drawing({"filters": _form(asked), "sum": _sum(found), "none": card("", empty("No animal was seen."))})
    return Drawing(
        {
            "filters": _form(asked),
            "sum": _sum(found),
            "where": _where(found, places, narrowed.class_name),
            "when": tag("div", _hours(found), _days(found), class_="columns-2"),
            "which": tag("div", _classes(found), _places(found, places), class_="columns-2"),
            "newest": _newest(asked.parts, narrowed),
        }
    )


VIEW = View("/animals", "Animals", "animals", draw, every_s=15.0)


def _form(asked: Asked) -> Markup:
    query = asked.query
    return tag(
        "form",
        select("Animal", "class", [(name, name) for name in classes(asked.parts)], query.get("class")),
        select("Location", "location_id", place_options(asked.parts), query.get("location_id")),
        field("From", "since", "date", query.get("since")),
        field("To", "until", "date", query.get("until")),
        tag("button", "Show", class_="primary"),
        tag("a", "Clear", href="/animals", class_="button") if any(query.values()) else None,
        method="get",
        role="search",
        aria_label="Animals",
        class_="filters",
    )


def _sum(found: Sightings) -> Markup:
    words = f"{plural(found.classes.total(), 'sighting')} in {plural(found.looked_at, 'picture')}"
    if found.first is not None:
        words += f", {moment(found.first)} to {moment(found.last)}"
    if not found.complete:
        words += ". Only the newest ones are counted here: choose a place or dates to see others"
    return tag("p", f"{words}.", class_="lead")


def _where(found: Sightings, places: dict[UUID, Location], class_name: str | None) -> Markup:
    dots = [
        atlas.Dot(place.name, str(key), place.latitude, place.longitude, found.places[key])
        for key, place in places.items()
        if place.latitude is not None and place.longitude is not None
    ]
    if not dots:
        hint = tag("code", "thumper locations places.csv")
        return card("Where", empty(["No location has coordinates yet. ", hint, " states them."]))
    missing = sum(1 for key in found.places if key not in places or places[key].latitude is None)
    note = f"{plural(missing, 'location')} without coordinates" if missing else None
    return card("Where", atlas.draw(dots, class_name), note=note)


def _hours(found: Sightings) -> Markup:
    values = [(f"{hour:02}", found.hours[hour]) for hour in range(24)]
    busiest = max(range(24), key=lambda hour: found.hours[hour])
    return card("By hour of day", charts.columns(values, f"Sightings by hour; most at {busiest:02} o'clock", every=3))


def _days(found: Sightings) -> Markup:
    first, last = min(found.days), max(found.days)
    number = (last - first).days + 1
    if number <= MOST_DAYS:
        days = [first + timedelta(days=index) for index in range(number)]
        values = [(f"{day:%-d %b}", found.days[day]) for day in days]
        return card("By day", charts.columns(values, _says_days(found), every=max(1, number // 5)))
    months: dict[date, int] = {}
    for day, pictures in found.days.items():
        months[day.replace(day=1)] = months.get(day.replace(day=1), 0) + pictures
    values = [(f"{month:%b %y}", pictures) for month, pictures in sorted(months.items())]
    return card("By month", charts.columns(values, _says_days(found), every=max(1, len(values) // 5)))


def _says_days(found: Sightings) -> str:
    most = max(found.days, key=lambda day: found.days[day])
    return f"Sightings by date; most on {most:%-d %B %Y}"


def _classes(found: Sightings) -> Markup:
    whole = found.classes.total()
    rows: list[list[Child]] = [
        [tag("a", name, href=link("/animals", class_=name)), count(pictures), _bar(pictures, whole)]
        for name, pictures in found.classes.most_common()
    ]
    return card("Which", table(("Animal", "Pictures", "Share"), rows, "Sightings by animal", (1,)))


def _places(found: Sightings, places: dict[UUID, Location]) -> Markup:
    whole = found.classes.total()
    rows: list[list[Child]] = []
    for key, pictures in found.places.most_common(MOST_PLACES):
        name = places[key].name if key in places else "no location"
        shown_name = tag("a", name, href=link("/animals", location_id=str(key))) if key else name
        mostly = ", ".join(f"{each} {count(times)}" for each, times in found.by_place[key].most_common(3))
        rows.append([shown_name, count(pictures), _bar(pictures, whole), tag("span", mostly, class_="note")])
    return card("At", table(("Location", "Pictures", "Share", "Mostly"), rows, "Sightings by location", (1,)))


def _bar(part: int, whole: int) -> Markup:
    fill = tag("span", class_="fill", style=f"width:{100 * part / whole:.1f}%")
    return tag("span", fill, tag("span", share(part, whole), class_="note"), class_="bar-cell")


def _newest(parts: Deps, narrowed: Filters) -> Markup:
    with snapshot(parts.engine) as tables:
        confidence = shown(tables, parts.settings, narrowed.min_confidence).confidence
    seen = Filters(
        narrowed.location_id,
        narrowed.class_name,
        narrowed.since,
        narrowed.until,
        confidence,
        narrowed.cursor,
        NEWEST,
    )
    found = images(parts, seen, None).items
    all_of_them = tag("a", "See all", href=link("/pictures", class_=narrowed.class_name, min_confidence=confidence))
    return card("Seen last", thumbnails(found) if found else empty("Nothing."), note=join(all_of_them))
