import pandas as pd

from powerml.config.fingerprints import manifest, of_code, of_files, of_frame, of_text

FRAME = pd.DataFrame({"user_id": ["ada", "grace"], "logins_30d": [1.0, None], "active": [True, False]})


def test_a_frame_s_fingerprint_moves_with_every_value_name_and_place():
    base = of_frame(FRAME)
    assert of_frame(FRAME.copy()) == base
    assert of_frame(FRAME.set_axis([7, 9])) == base  # the index is no data
    assert of_frame(FRAME.rename(columns={"active": "alive"})) != base
    assert of_frame(FRAME.iloc[::-1]) != base
    assert of_frame(FRAME.assign(logins_30d=[1.0, 0.0])) != base
    assert of_frame(FRAME.assign(user_id=["ada", "alan"])) != base


def test_texts_cannot_be_shifted_into_each_other():
    assert of_text("ab", "c") != of_text("a", "bc")


def test_files_count_by_name_and_content(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    before = of_files((tmp_path, "*.py"))
    (tmp_path / "notes.txt").write_text("no code")
    (tmp_path / ".powerml").mkdir()
    (tmp_path / ".powerml" / "left.py").write_text("a model's copy of code")
    assert of_files((tmp_path, "*.py")) == before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert of_files((tmp_path, "*.py")) != before
    assert len(of_code()) == 16


def test_a_manifest_names_every_file_but_compiled_ones(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.json").write_text("{}")
    (tmp_path / "MLmodel").write_text("changes")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("")
    assert list(manifest(tmp_path, leave_out=["MLmodel"])) == ["data/model.json"]
