"""All pages, in the order of the menu. A further one is a module with a `VIEW`, and a line here."""

from api.dashboard import (
    animals,
    failures,
    imports,
    lag,
    letters,
    overview,
    picture,
    pictures,
    replay,
    upload,
    workers,
)

VIEWS = (
    overview.VIEW,
    pictures.VIEW,
    animals.VIEW,
    upload.VIEW,
    imports.VIEW,
    lag.VIEW,
    workers.VIEW,
    failures.VIEW,
    replay.VIEW,
    letters.VIEW,
    picture.VIEW,
)
