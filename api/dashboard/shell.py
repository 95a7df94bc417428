"""What stands around every page: landmarks, the way to the others, and the places for what went wrong. Pure."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from api.dashboard.icons import icon
from api.dashboard.markup import Markup, join, own, tag
from api.dashboard.view import View

LOST = "Connection lost. What you see is not renewed; this page comes back by itself."


@cache
def head() -> str:
    """Style, and the theme that was chosen before, so that nothing flickers."""
    folder = files("api.dashboard")
    early = "document.documentElement.dataset.theme=localStorage.getItem('thumper-theme')||'auto'"
    style = folder.joinpath("style.css").read_text("utf-8")
    return f"<style>{style}</style><script>try{{{early}}}catch{{}}</script>"


@cache
def script() -> Markup:
    """The pages' own scripts; what is not on a page is left alone by them."""
    folder = files("api.dashboard")
    return join([tag("script", own(folder.joinpath(name).read_text("utf-8"))) for name in ("page.js", "replay.js")])


def frame(view: View, views: Sequence[View], regions: Mapping[str, Markup], title: str | None = None) -> Markup:
    """The whole body. Works without any script, except that it does not renew itself."""
    content = [tag("div", html, data_region=name) for name, html in regions.items()]
    return Markup(
        tag("a", "Skip to content", href="#content", class_="skip")
        + tag("p", id="lost", role="alert", data_words=LOST)
        + tag(
            "div",
            _header(view, views),
            tag(
                "main",
                tag("h1", title or view.title, class_="title"),
                *content,
                id="content",
                tabindex="-1",
                class_=f"page page-{view.icon}",
            ),
            class_="shell",
        )
        + tag("p", id="toast", role="status")
        + _token_dialog()
        + script()
    )


def _header(view: View, views: Sequence[View]) -> Markup:
    brand = tag("a", icon("brand"), tag("span", "Thumper"), href="/", class_="brand")
    theme = tag("button", icon("theme"), tag("span", "Theme"), type="button", id="theme", class_="quiet")
    menu = tag("button", icon("menu"), tag("span", "Menu"), type="button", id="menu", aria_expanded="false")
    links = tag("ul", [tag("li", _entry(other, other is view)) for other in views if not other.inner])
    nav = tag("nav", links, tag("div", theme, tag("a", "API", href="/docs"), class_="foot"), aria_label="Pages")
    return tag("header", brand, menu, nav, class_="side")


def _entry(view: View, here: bool) -> Markup:
    return tag("a", icon(view.icon), tag("span", view.title), href=view.path, aria_current="page" if here else None)


def _token_dialog() -> Markup:
    """Asked for when a change is refused for want of the token; kept until the tab is closed."""
    return tag(
        "dialog",
        tag(
            "form",
            tag("h2", "This needs the token"),
            tag("p", "THUMPER_API_TOKEN is set, so changes need it. It is kept until this tab is closed."),
            tag("label", "Token", tag("input", type="password", name="token", required=True, autocomplete="off")),
            tag(
                "div",
                tag("button", "Go on", value="go", class_="primary"),
                tag("button", "Cancel", value="", type="button", id="token-cancel"),
                class_="row",
            ),
            method="dialog",
        ),
        id="token",
    )
