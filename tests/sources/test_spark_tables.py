"""What Spark is not asked to do is said before it is started, all at once, with the way round."""

from __future__ import annotations

from datetime import UTC, date, datetime

import ibis
import pandas as pd
import pytest

from powerml.config.project import load_project
from powerml.errors import ConfigError, DataError, UsageError
from powerml.sources.forgotten import Forgotten
from powerml.sources.spark_tables import check_for_spark, open_spark_tables
from powerml.workflows.on_spark import check_folder, open_on_spark
from powerml.workflows.project import open_project
from tests.on_spark import needs_spark, session

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def write(folder, tables, **keys):
    lines = [f"{key}: {value}" for key, value in keys.items()]
    (folder / "powerml.yaml").write_text("\n".join(["engine: spark", "vocabulary: {}", f"tables: {tables}", *lines]))
    return load_project(folder / "powerml.yaml")


def test_all_that_spark_cannot_read_is_said_at_once(tmp_path):
    project = write(
        tmp_path, '{events: {files: e.csv, time_format: "%d/%m/%Y"}, users: {query: select 1}}', ids="casefold",
        memory_limit="4GB",
    )  # fmt: skip
    with pytest.raises(UsageError) as said:
        check_for_spark(project)
    lines = str(said.value).splitlines()
    assert [line.split("powerml.yaml: ")[-1] for line in lines[:-1]] == [
        "tables.events.time_format: is not read by Spark",
        "tables.events.files: 'e.csv' is no folder of Parquet files",
        "tables.users.query: is not read by Spark",
        "ids: 'casefold' is not done by Spark",
        "memory_limit: is DuckDB's; say spark: {config: {spark.driver.memory: …}}",
    ]
    assert "powerml export --canonical DIR" in lines[-1]


def test_verbs_of_one_machine_name_the_way_round(tmp_path):
    with pytest.raises(UsageError, match=r"runs 'snapshot' and 'score'.*leave 'engine' out.*train --table"):
        open_project(write(tmp_path, "{events: {files: events}}"))


def test_workers_elsewhere_need_a_folder_that_they_reach(tmp_path):
    project = write(tmp_path, "{events: {files: events}}", spark="{master: 'spark://there:7077'}")
    with (
        pytest.raises(UsageError, match=r"has workers elsewhere; name a folder .* spark: \{scratch: …\}"),
        open_on_spark(project),
    ):
        pass


def test_a_table_of_spark_needs_spark(tmp_path):
    assert write(tmp_path, "{events: {table: shop.events}}").tables["events"].table == "shop.events"
    file = tmp_path / "powerml.yaml"
    file.write_text(file.read_text().replace("engine: spark", "engine: duckdb"))
    with pytest.raises(ConfigError, match="a 'table' needs its 'database' beside it, or engine: spark"):
        load_project(file)


def test_spark_writes_a_new_folder(tmp_path):
    with pytest.raises(UsageError, match=r"Spark writes folders of Parquet files; end the name in \.parquet"):
        check_folder(tmp_path / "a.csv")
    (tmp_path / "there.parquet").mkdir()
    with pytest.raises(UsageError, match="is there already and is not overwritten"):
        check_folder(tmp_path / "there.parquet")
    with pytest.raises(UsageError, match="does not exist; make it first"):
        check_folder(tmp_path / "nowhere" / "a.parquet")


GOOD = {
    "user_id": ["ada", "ada"],
    "event": ["click", "click"],
    "time": pd.to_datetime(["2026-01-01T10:00", "2026-01-02T10:00"], utc=True),
    "event_id": ["1", "2"],
}


def opened(folder, **changed):
    from powerml.snapshots.engine.spark import SparkEngine

    (folder / "events").mkdir()
    frame = pd.DataFrame({**GOOD, **changed})
    frame.to_parquet(folder / "events" / "part-0.parquet", coerce_timestamps="us", index=False)
    project = write(folder, "{events: {files: events}}")
    return open_spark_tables(SparkEngine(session(), folder / "aside"), project, extra={"events": ["Path"]}, now=NOW)


@needs_spark
class TestOnSpark:
    def test_rows_that_keep_the_rules_are_taken(self, tmp_path):
        made = opened(tmp_path, Path=["/a", "/b"])
        assert made.columns == {"events": ("user_id", "event", "time", "event_id", "own 1 Path")}
        assert made.report.to_dict("records") == [{"table": "events", "rows": 2}]

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"user_id": ["ada", None]}, "1 of 2 rows: no user_id"),
            ({"user_id": ["ada", " ada"]}, "1 of 2 rows: user_id is empty or has blanks around it"),
            ({"time": pd.to_datetime(["2026-01-01", "2026-07-02"], utc=True)}, "1 of 2 rows: time lies in the future"),
            ({"time": pd.to_datetime(["2026-01-01", "1970-01-01"], utc=True)}, "time lies before 1990-01-01"),
            ({"event_id": ["1", "1"]}, r"event_id \('1',\) stands twice"),
            ({"time": ["2026-01-01", "2026-01-02"]}, "'time' is string, and time must be a timestamp with a zone"),
            ({"time": pd.to_datetime(["2026-01-01", "2026-01-02"])}, "'time' is timestamp_ntz"),
        ],
    )
    def test_a_row_that_breaks_a_rule_stops_the_run(self, tmp_path, changed, said):
        with pytest.raises(DataError, match=f"tables.events: .*{said}.*; write clean tables on one machine first"):
            opened(tmp_path, **changed)

    def test_somebody_who_was_forgotten_does_not_come_back(self, tmp_path):
        Forgotten().keep(tmp_path / ".powerml", "user_id", ["ada"], on=date(2026, 5, 1))
        with pytest.raises(DataError, match="2 of 2 rows: user_id names somebody who was forgotten"):
            opened(tmp_path)

    @pytest.mark.parametrize("twice", [False, True])
    def test_rows_of_a_table_of_spark_have_no_order_so_that_none_may_stand_twice(self, tmp_path, twice):
        from powerml.snapshots.engine.spark import SparkEngine

        spark, at = session(), pd.to_datetime(["2026-01-01", "2026-01-01" if twice else "2026-01-02"], utc=True)
        spark.createDataFrame(pd.DataFrame(GOOD)).createOrReplaceTempView("clicks")
        spark.createDataFrame(
            pd.DataFrame({"user_id": ["ada", "ada"], "time": at, "nps": [3, 9]})
        ).createOrReplaceTempView("answers")
        project = write(tmp_path, "{events: {table: clicks}, surveys: {table: answers}}")
        engine = SparkEngine(spark, tmp_path)
        if twice:
            with pytest.raises(DataError, match=r"tables.surveys: user_id, time .* stands twice"):
                open_spark_tables(engine, project, extra={}, now=NOW)
        else:
            made = open_spark_tables(engine, project, extra={}, now=NOW)
            assert made.columns["surveys"] == ("user_id", "time", "nps")
            assert engine.rows(made.tables["surveys"].aggregate(best=ibis._.nps.max())) == [{"best": 9.0}]
