"""Derived ids are UUIDs of version 5, whoever computes them."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import NAMESPACE, derived_id, derived_name

PARTS = st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(), st.uuids()), max_size=6)


@given(PARTS)
def test_a_derived_id_is_what_uuid5_makes_of_its_parts(parts: list[object]) -> None:
    wanted = uuid.uuid5(NAMESPACE, "|".join(str(part) for part in parts))
    assert derived_id(*parts) == wanted
    assert derived_name(*parts) == str(wanted)
