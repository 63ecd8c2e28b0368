from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.errors import DataError, MissingColumns, UsageError
from powerml.sources.tables.review_sheet import SheetOrigin, read_sheet
from powerml.workflows.review import check_sheet_target, write_sheet

ORIGIN = SheetOrigin(2, date(2026, 4, 1), "weights", "power_user@1", "0f3a")
FROM = str(ORIGIN)


def back(tmp_path, text, *, encoding="utf-8"):
    path = tmp_path / "sheet.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_what_goes_out_comes_back(tmp_path):
    path = tmp_path / "sheet.csv"
    write_sheet(pd.DataFrame({"rank": [1, 2], "user_id": ["ada", "bob"]}), ORIGIN, path)
    sheet = read_sheet(path)
    assert sheet.origin == ORIGIN
    assert sheet.answers.to_dict("records") == [
        {"row": 2, "id": "ada", "answer": ""},
        {"row": 3, "id": "bob", "answer": ""},
    ]


def test_as_a_spreadsheet_program_saves_it(tmp_path):
    """Semicolons, a byte order mark, capitals, an empty row, a row added, other columns moved or gone."""
    text = (
        f'Answer;user_id;comment;sheet\r\nYes;ada;"well; known";{FROM}\r\n;;;\r\nN;bob;;{FROM}\r\nmissing; eve ;;\r\n'
    )
    sheet = read_sheet(back(tmp_path, text, encoding="utf-8-sig"))
    assert sheet.answers.to_dict("records") == [
        {"row": 2, "id": "ada", "answer": "yes"},
        {"row": 4, "id": "bob", "answer": "no"},
        {"row": 5, "id": "eve", "answer": "missing"},
    ]


@given(st.integers(2, 999), st.dates(), st.sampled_from(["weights", "model"]), st.sampled_from([None, "my set.yaml"]))
def test_an_origin_is_read_as_it_is_written(top, day, kind, path):
    origin = SheetOrigin(top, day, kind, "a_set@1.2", "abc012", path)
    assert SheetOrigin.parse(str(origin)) == origin


def test_every_wrong_row_is_named_at_once(tmp_path):
    path = back(tmp_path, f"user_id,answer,sheet\nada,maybe,{FROM}\n,yes,\nbob,no,{FROM}\nbob,yes,{FROM}\n")
    with pytest.raises(DataError) as error:
        read_sheet(path)
    lines = str(error.value).splitlines()
    assert [line.removeprefix(f"{path}: ") for line in lines] == [
        "row 2: answer 'maybe' is none of yes, no, missing; or leave it empty",
        "row 3: has an answer and no user_id; write whom it is about",
        "row 5: 'bob' stands in row 4 too; keep one of the rows",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no rows"),
        ("user_id,answer,sheet\n", "has no rows"),
        ("user_id,answer,sheet\nada,yes,\n", "column 'sheet' says nothing; leave that column"),
        ("user_id,answer,sheet\nada,yes,top 20\n", "says 'top 20', which no sheet says"),
        (f"user_id,answer,sheet\nada,yes,{FROM}\nbob,no,{FROM[:-5]}[77]\n", "its rows are of different sheets"),
        ('user_id,answer,sheet\n"ada,yes,x\n', "is no well-formed CSV"),
    ],
)
def test_what_is_no_sheet(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        read_sheet(back(tmp_path, text))


def test_other_files(tmp_path):
    with pytest.raises(MissingColumns, match="needs columns 'answer', 'sheet'"):
        read_sheet(back(tmp_path, "user_id,score\nada,3\n"))
    with pytest.raises(DataError, match="no such file"):
        read_sheet(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="not UTF-8 text; save it as CSV UTF-8"):
        read_sheet(back(tmp_path, "user_id,answer,sheet\nadä,yes,\n", encoding="latin-1"))
    with pytest.raises(UsageError, match=r"end the name in \.csv"):
        check_sheet_target(tmp_path / "sheet.xlsx")
    with pytest.raises(UsageError, match="exists already and may hold answers"):
        check_sheet_target(back(tmp_path, "answers"))
