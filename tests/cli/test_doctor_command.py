"""`powerml doctor`: exit status and output."""

from __future__ import annotations

from tests.builders import write_project


def test_findings_are_status_1_with_their_fix(powerml, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_project(tmp_path, "user_id,event,time\nu1,click,2026-03-01T12:00:00Z\n")
    assert "Nothing to mend." in powerml("doctor").out
    (tmp_path / "events.csv").unlink()
    ran = powerml("doctor", "--json")
    assert ran.status == 1
    assert [finding["about"] for finding in ran.data["findings"]] == ["data"]
