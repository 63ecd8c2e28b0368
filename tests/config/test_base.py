"""What a declaration may call a column of its own."""

import pytest
from pydantic import TypeAdapter, ValidationError

from powerml.config.base import ColumnName
from powerml.tables import RESERVED

NAMES = TypeAdapter(ColumnName)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_columns_of_snapshots_and_scores_are_refused(name):
    with pytest.raises(ValidationError, match=f"'{name}' is a column of snapshots or scores; choose another name"):
        NAMES.validate_python(name)


def test_nor_may_a_dimension_be_called_so_that_its_column_is_one():
    """Dimensions stand in scores as NAME_score."""
    with pytest.raises(ValidationError, match="'raw_score' is a column"):
        NAMES.validate_python("raw")


@pytest.mark.parametrize("name", ["depth", "logins_14d", "p_exports", "scores"])
def test_other_names_are_their_own(name):
    assert NAMES.validate_python(name) == name
