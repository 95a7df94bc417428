"""`/`: one small page for a browser; it asks the API above and nobody else."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.routes.page_html import PAGE

router = APIRouter(include_in_schema=False)
# Only what the page itself holds may run, and only this server may be asked.
_POLICY = (
    "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)


@router.get("/", response_class=HTMLResponse)
def page() -> HTMLResponse:
    """The four numbers and the newest pictures with detections; renews itself."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
