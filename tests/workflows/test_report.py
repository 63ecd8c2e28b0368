"""`powerml report`: every section of the contract, what is missing told, the numbers those of the commands."""

import json
import re
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.history.alarms import Alarms
from powerml.history.ledger import open_ledger
from powerml.history.store import NightHistory
from powerml.simulation import write_product
from powerml.workflows.report import make_report
from powerml.workflows.score import score_snapshot
from tests.builders import write_project
from tests.history.kept import keep, night
from tests.reports.document.test_render import HOSTILE, seen

NOW = datetime(2026, 11, 27, tzinfo=UTC)
AT = date(2024, 10, 1)
IDS = (
    "monday", "verdict", "bands", "calibration", "backtest", "distribution", "movement", "top", "lists", "alerts",
    "curve", "segments", "programme", "tree", "weights", "impact", "data",
)  # fmt: skip
REASONS = json.dumps([{"metric": "mrr", "contribution": -9.0, "text": "seats: 2 (-9.0 points)"}])
NOUN_ALONE = re.compile(r"\w+[.?]?")


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop") / "product"
    write_product(folder, "validation", users=80, months=11, seed=21)
    return load_project(folder / "powerml.yaml")


@pytest.fixture(scope="module")
def made(product):
    return make_report(product, as_of=AT, weights="engagement", now=NOW)


def rows_of(html, key):
    """The rows of a table of the page as it sorts and copies them, by column."""
    table = html[html.index(f'data-table="{key}"') :]
    table = table[: table.index("</table>")]
    columns = re.findall(r'data-id="([^"]*)"', table)
    found = []
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table[table.index("<tbody>") :], flags=re.DOTALL):
        cells = re.findall(r"<td([^>]*)>(.*?)</td>", row, flags=re.DOTALL)
        raw = [re.search(r'data-v="([^"]*)"', look) for look, _ in cells]
        texts = [re.sub(r"</?bdi>", "", text) for _, text in cells]
        found.append([text if number is None else number[1] for number, text in zip(raw, texts, strict=True)])
    return pd.DataFrame(found, columns=columns)


def test_every_section_of_the_contract_is_there_in_its_order(made):
    assert tuple(re.findall(r'<section id="([^"]*)"', made.html)) == IDS
    headings = re.findall(r"<h2[^>]*><bdi>(.*?)</bdi></h2>", made.html)
    assert len(headings) == len(IDS)
    assert not [heading for heading in headings if NOUN_ALONE.fullmatch(heading)]


def test_its_numbers_are_those_of_the_score_command(made, product):
    scored = score_snapshot(product, AT, weights="engagement", now=NOW).frame
    scored = scored[scored["status"] == "scored"]
    best = scored.sort_values(["score", "user_id"], ascending=[False, True]).head(20)
    shown = rows_of(made.html, "top")
    assert shown["user_id"].tolist() == best["user_id"].tolist()
    assert shown["score"].astype(float).tolist() == pytest.approx(best["score"].tolist())
    shares = rows_of(made.html, "shares")
    assert shares["n"].astype(int).tolist() == [int((scored["band"] == band).sum()) for band in shares["band"]]
    tree = rows_of(made.html, "tree")
    assert float(tree["contribution"][0]) == pytest.approx(scored["score"].mean())


def test_what_changed_is_told_against_the_week_before(made):
    assert "Since 2024-09-24 (a week before) " in made.html
    moved = rows_of(made.html, "moved since 2024-09-24")
    assert (moved["from_band"] != moved["to_band"]).all()
    flows = rows_of(made.html, "flows since 2024-09-24")
    told = int(re.search(r" of ([\d,]+) users moved up a band", made.html)[1])
    assert flows["n"].astype(int).sum() == told


def test_without_a_champion_each_section_says_what_is_missing_and_how_to_supply_it(made):
    lacks = re.findall(r'<section id="([^"]*)"(.*?)</section>', made.html, flags=re.DOTALL)
    told = {name: re.findall(r'<p class="missing"><bdi>(.*?)</bdi>', text) for name, text in lacks}
    for name in ("verdict", "bands", "calibration", "backtest", "segments", "programme", "impact"):
        assert told[name], name
        assert all(": " in sentence for sentence in told[name])
    assert "run &#39;powerml train&#39;" in told["verdict"][0]


def test_nothing_stands_for_what_is_not_known(made):
    assert "a month at risk" not in made.html
    assert 'data-id="p_churn"' not in made.html


def test_every_column_of_numbers_says_how_it_was_made(made):
    heads = re.findall(r'<th scope="col" data-id="([^"]*)" class="n"><button type="button"( data-tip)?', made.html)
    assert len(heads) > 50
    assert sorted({name for name, told in heads if not told}) == []


def test_every_button_leads_somewhere(made):
    written = made.html.split('<script type="application/json"')[0]
    ids = re.findall(r'[^-\w]id="([^"]*)"', written)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', written)) <= set(ids)


def test_hostile_names_stay_texts(tmp_path):
    ids = [text[:60] for text in HOSTILE[:6]]
    days = [f"2026-0{1 + day // 28}-{1 + day % 28:02d}T09:00:00Z" for day in range(0, 55, 6)]
    quoted = ['"' + text.replace('"', '""') + '"' for text in ids]
    lines = [f"{who},{event},{day}" for who in quoted for event in quoted for day in days]
    path = write_project(tmp_path, "user_id,event,time\n" + "\n".join(lines) + "\n", project=HOSTILE[0])
    page = make_report(load_project(path), as_of=date(2026, 2, 20), weights="engagement", now=NOW).html
    found = seen(page)
    assert sum(tag == "script" for tag, _ in found.tags) == 3
    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "=cmd|" in page


def test_hostile_names_owners_reasons_alerts_and_features_stay_texts(tmp_path):
    """Every place a name reaches on a page of kept nights: who, owner, account, because, action, reason, rule."""
    evil = [text[:80] for text in HOSTILE]
    events = "user_id,event,time\nada,open,2026-02-01T00:00:00Z\n"
    owners = {"owners": {"collaboration": evil[0]}}
    vocabulary = {"open": {"feature": evil[1], "category": evil[0], "roles": ["login"]}}
    project = load_project(write_project(tmp_path, events, project=evil[2], vocabulary=vocabulary, **owners))
    history = NightHistory.of(project)
    counts = {"logins_30d": 4.0, "workflows_completed_30d": 3.0, "invites_30d": 1.0}
    told = json.dumps([{"metric": evil[0], "contribution": -9.0, "text": f"{evil[1]}: {evil[0]}"}])
    for day, change in (("2026-02-22", 0.0), ("2026-03-01", 50.0)):
        people = {who: {"score": 90.0 - change - at, "reasons": told, **counts} for at, who in enumerate(evil)}
        kept = keep(history, night(day, model="activity"), people)
    who = pd.DataFrame({"user_id": evil, "account_id": [f"{one}-inc" for one in evil]})
    people = who.assign(name=evil[::-1], account_name=evil, owner=evil[3:] + evil[:3], email=evil)
    history.keep_table(kept.as_of, "people", people)
    history.keep_table(kept.as_of, "leaving", pd.DataFrame({"reason": evil, "accounts": 1}))
    features = pd.DataFrame({"segment": "Power Users", "feature": evil, "people": 1, "of": 9})
    history.keep_table(kept.as_of, "features", features)
    card = pd.DataFrame({"alert": evil, "fired": 3, "came": 1, "base_rate": 0.1, "lift": 2.0, "low": 1.0, "high": 3.0,
                         "lead_days": 9.0, "share_warned": 0.2, "verdict": evil})  # fmt: skip
    history.keep_table(kept.as_of, "alert_card", card)
    rang = pd.DataFrame({"id": evil, "account_id": evil, "user_id": evil, "because": evil, "alert": evil, "team": evil,
                         "owner": evil, "action": evil, "fired_at": "2026-03-01"})  # fmt: skip
    with open_ledger(project.state) as ledger:
        Alarms.on(ledger.con).write_night(kept.as_of, {}, rang, [], project=evil[2], now=NOW)
    (project.state / "quarantine").mkdir()
    bad = pd.DataFrame({"source": evil, "row": 1, "rule": evil, "column": evil, "value": evil})
    bad.to_csv(project.state / "quarantine" / "events.csv", index=False)
    page = make_report(project, now=NOW).html
    found = seen(page)
    assert sum(tag == "script" for tag, _ in found.tags) == 3
    assert not [tag for tag, _ in found.tags if tag in ("img", "iframe", "object")]
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    for key in ("leaving", "alert_card", "alerts", "quarantine"):
        assert len(rows_of(page, key)), key
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page


def test_it_is_made_of_the_history_where_nights_are_kept(tmp_path):
    project = load_project(write_project(tmp_path, "user_id,event,time\nada,open,2026-02-01T00:00:00Z\n"))
    history = NightHistory.of(project)
    counts = {"logins_30d": 4.0, "workflows_completed_30d": 3.0, "invites_30d": 1.0}
    for day, ada in (("2026-02-22", 80.0), ("2026-03-01", 20.0)):
        people = {"ada": {"score": ada, "reasons": REASONS, **counts}, "bob": {"score": 60.0, "reasons": "", **counts}}
        keep(history, night(day, model="activity"), people)
    done = CliRunner().invoke(
        root, ["report", "-c", str(tmp_path / "powerml.yaml"), "-o", str(tmp_path / "r.html"), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["from_history"] is True
    page = (tmp_path / "r.html").read_text()
    assert "The longest falls: ada (80 to 20)." in page
    assert rows_of(page, "drops")["user_id"].tolist() == ["ada"]


def test_a_page_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    done = CliRunner().invoke(root, ["report", "-o", str(tmp_path / "r.txt")])
    assert done.exit_code != 0
    assert "end it in .html" in str(done.exception)
