"""Small drawings, 24 by 24, in the colour of the words beside them."""

from functools import cache

from api.dashboard.markup import Markup, own, tag

_PATHS = {
    "brand": "M12 20c-4 0-6.5-1.8-6.5-4.2 0-2.6 3-4.8 6.5-4.8s6.5 2.2 6.5 4.8C18.5 18.2 16 20 12 20Z"
    "M8.6 10C7.2 8 6.4 4.5 7.6 3.7s3 2.3 3.4 5.3M15.4 10c1.4-2 2.2-5.5 1-6.3s-3 2.3-3.4 5.3",
    "overview": "M4 13h7V4H4zM13 20h7v-9h-7zM13 8h7V4h-7zM4 20h7v-4H4z",
    "pictures": "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
    "animals": "M12 21c-3.5-3.6-6-6.8-6-10a6 6 0 0 1 12 0c0 3.2-2.5 6.4-6 10ZM12 13a2.2 2.2 0 1 0 0-4.4"
    "A2.2 2.2 0 0 0 12 13Z",
    "upload": "M12 15V4M8 8l4-4 4 4M4 15v5h16v-5",
    "imports": "M4 7h6l2 2h8v10H4zM12 11.5v5M9.8 14.3 12 16.5l2.2-2.2",
    "lag": "M4 19h16M4 15l4-5 4 3 4-7 4 4",
    "workers": "M6 6h12v12H6zM9.5 9.5h5v5h-5zM9 3v3M15 3v3M9 18v3M15 18v3M3 9h3M3 15h3M18 9h3M18 15h3",
    "failures": "M12 4 2.8 20h18.4zM12 10v4.5M12 17.3h.01",
    "letters": "M4 6h16v12H4zM4 7l8 6 8-6M15.5 14.5l3 3M18.5 14.5l-3 3",
    "replay": "M5 12a7 7 0 1 0 2.2-5.1M5 4v4h4",
    "theme": "M12 4a8 8 0 1 0 8 8 6.2 6.2 0 0 1-8-8Z",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "before": "M14.5 5 8 12l6.5 7",
    "after": "M9.5 5 16 12l-6.5 7",
    "alerts": "M12 4a5 5 0 0 0-5 5c0 5-2 6-2 7h14c0-1-2-2-2-7a5 5 0 0 0-5-5ZM10 19a2 2 0 0 0 4 0",
}


@cache
def icon(name: str) -> Markup:
    """The drawing; nothing for a screen reader, for words stand beside it."""
    shape = own(f'<path d="{_PATHS[name]}"/>')
    return tag("svg", shape, viewBox="0 0 24 24", class_="icon", aria_hidden="true", focusable="false")
