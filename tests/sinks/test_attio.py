"""Attio as somebody else would build it from its documentation: small pages, conflicts, options in other spellings."""

import uuid

import pytest

from powerml.history.ledger import open_ledger
from powerml.history.sent import SinkLedger
from powerml.sinks.plans import REFUSED_BEFORE_ANY
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import Answer, FakeAttio, running
from tests.sinks.world import PEOPLE, project_in, say, settings

pytestmark = pytest.mark.usefixtures("patient")
APPLY = SyncOptions(apply=True)
TIER = ("people", "power_user_tier")


class Archiving(FakeAttio):
    """Options and attributes may be archived, are then listed only when asked for, and keep their name."""

    def _object(self, method, object_, parts, query, body):
        if parts == ["attributes"] and method == "GET":
            every = list(self.attributes[object_].values())
            shown = [a for a in every if not a.get("is_archived") or query.get("show_archived") == "true"]
            return 200, {"data": self._page(shown, query)}
        if parts[0] == "attributes" and len(parts) >= 3:
            options = self.options.setdefault((object_, parts[1]), [])
            if method == "GET":
                assert set(query) <= {"show_archived"}, "what the documentation does not name"
                shown = [o for o in options if not o["is_archived"] or query.get("show_archived") == "true"]
                return 200, {"data": shown}
            if method == "PATCH":
                found = next((o for o in options if parts[3] in (o["id"]["option_id"], o["title"])), None)
                if found is None:
                    raise Answer(404, self._error(404, "not_found", "no such option"))
                found.update(body["data"])
                return 200, {"data": found}
            if any(o["title"].casefold() == body["data"]["title"].casefold() for o in options):
                raise Answer(409, self._error(409, "slug_conflict", "the option is there"))
        return super()._object(method, object_, parts, query, body)


class SmallPages(FakeAttio):
    """Gives three things at most, whatever is asked for."""

    @staticmethod
    def _page(items, asked):
        start = int(asked.get("offset", 0))
        return items[start : start + min(3, int(asked.get("limit", 500)))]


class Cursors(FakeAttio):
    """Pages by a cursor, and not by an offset."""

    def _lists(self, method, parts, query, body):
        if parts[1:] == ["entries", "query"]:
            items = list(self.entries.get(parts[0], {}).values())
            start = int(body.get("cursor") or 0)
            following = str(start + 2) if start + 2 < len(items) else None
            return 200, {"data": items[start : start + 2], "pagination": {"next_cursor": following}}
        return super()._lists(method, parts, query, body)


def world(tmp_path, fake, address, people=PEOPLE):
    project = project_in(tmp_path / "shop", settings(address, "attio"))
    say(project, "2026-03-01", people)
    return project


@pytest.mark.parametrize("kind", [SmallPages, Cursors])
def test_pages_are_read_to_their_end_however_small_they_are(tmp_path, kind):
    fake, people = kind(), {f"u{n}": 60.0 + n for n in range(8)}
    fake.attributes["people"] |= {f"x{n}": {"api_slug": f"x{n}", "id": {"attribute_id": f"x{n}"}} for n in range(7)}
    with running(fake) as address:
        project = world(tmp_path, fake, address, people)
        sync(project, options=APPLY)
        before = fake.writes
        (again,) = sync(project, options=APPLY)  # attributes and entries of later pages are there
        assert (again.findings, again.plan.counts(), fake.writes) == (False, {}, before)
        gone = next(iter(fake.entries["power_user_candidates"]))
        del fake.entries["power_user_candidates"][gone]
        (done,) = sync(project, options=APPLY)
        assert done.plan.counts() == {"entry": {"create": 1}}
    assert len(fake.listed()) == 8


@pytest.mark.parametrize("spelling", ["champion", "CHAMPION"])
def test_an_option_in_another_spelling_becomes_the_document_s(tmp_path, spelling):
    fake = Archiving()
    fake.attributes["people"]["power_user_tier"] = {"api_slug": "power_user_tier", "type": "select", "id": {}}
    old = {"id": {"option_id": str(uuid.uuid4())}, "title": spelling, "is_archived": False}
    fake.options[TIER] = [old]
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        (done,) = sync(project, options=SyncOptions(apply=True, adopt=True))
    assert not done.findings
    assert done.plan.counts()["option"] == {"update": 1, "create": 3}
    assert [o["title"] for o in fake.options[TIER]] == ["Champion", "Power User", "Rising Star", "Standard"]
    assert old["title"] == "Champion"
    assert fake.scores()["ada@shop.example"] == (91, "Champion")


def test_an_option_that_was_archived_comes_back(tmp_path):
    fake = Archiving()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        sync(project, options=APPLY)
        fake.options[TIER][0]["is_archived"] = True
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert [o["title"] for o in fake.options[TIER]] == ["Champion", "Power User", "Rising Star", "Standard"]
    assert not any(o["is_archived"] for o in fake.options[TIER])


@pytest.mark.parametrize("ours", [True, False])
def test_an_attribute_that_is_archived_is_told_and_nothing_is_written(tmp_path, ours):
    fake = Archiving()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        if ours:
            sync(project, options=APPLY)
            fake.attributes["people"]["power_user_score"]["is_archived"] = True
        else:
            hidden = {"api_slug": "power_user_score", "type": "number", "id": {}, "is_archived": True}
            fake.attributes["people"]["power_user_score"] = hidden
        say(project, "2026-03-02", {who: score - 1 for who, score in PEOPLE.items()})
        (done,) = sync(project, options=APPLY)
        assert done.findings
        assert "the attribute 'power_user_score' of people is archived; restore it in Attio" in done.trouble
        assert fake.scores().get("ada@shop.example") == ((91, "Champion") if ours else None)
        (again,) = sync(project, options=APPLY)  # nor was it taken for ours by the way
        assert again.findings


def test_a_name_that_somebody_takes_meanwhile_is_not_taken_for_ours(tmp_path):
    fake = FakeAttio()

    def first(number, method, path):
        if path.endswith("/attributes"):
            fake.attributes["people"]["power_user_score"] = {"api_slug": "power_user_score", "type": "number", "id": {}}

    fake.faults = first
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        (done,) = sync(project, options=APPLY)
        assert "answers 409 (the slug is taken)" in done.done.failed
        fake.faults = lambda *_: None
        (again,) = sync(project, options=APPLY)
    assert "that powerml did not make" in again.plan.refusal
    assert fake.scores() == {}


@pytest.mark.parametrize("code", ["concurrent_write_conflict", "conflict", None])
def test_a_conflict_is_tried_again_whatever_it_is_called(tmp_path, code):
    fake = FakeAttio()
    met = []

    def conflict(_number, method, path):
        if path not in met and path.endswith(("/records", "/entries", "/lists")):
            met.append(path)
            raise Answer(
                409, {"status_code": 409, "message": "somebody else writes"} | ({"code": code} if code else {})
            )

    fake.faults = conflict
    with running(fake) as address:
        (done,) = sync(world(tmp_path, fake, address), options=APPLY)
    assert len(met) == 3
    assert not done.findings
    assert len(fake.scores()) == 5
    assert len(fake.listed()) == 3


def test_one_record_that_is_always_in_conflict_keeps_no_other_from_its_score(tmp_path):
    fake = FakeAttio()
    put = fake._object

    def always(method, object_, parts, query, body):
        if method == "PUT" and body["data"]["values"]["email_addresses"] == ["ada@shop.example"]:
            raise Answer(409, {"status_code": 409, "code": "concurrent_write_conflict", "message": "again"})
        return put(method, object_, parts, query, body)

    fake._object = always
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        (done,) = sync(project, options=APPLY)
        assert done.findings
        assert done.done.failed.startswith("ada: Attio: answers 409")
        assert len(fake.scores()) == 4
        assert fake.listed() == ["bob@shop.example", "cyd@shop.example"]
        fake._object = put
        (done,) = sync(project, options=APPLY)  # the entry waited for its record
        assert not done.findings
        assert done.plan.counts() == {"person": {"create": 1}, "entry": {"create": 1}}
    assert fake.listed() == ["ada@shop.example", "bob@shop.example", "cyd@shop.example"]


def test_who_is_refused_tonight_is_tried_again_the_next_night(tmp_path):
    fake = FakeAttio(bad={"ada@shop.example"})
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        (done,) = sync(project, options=APPLY)
        assert [(a.id, a.why) for a in done.done.aside] == [("ada", "Attio answers 400 (ada@shop.example is refused)")]
        before = fake.writes
        (again,) = sync(project, options=APPLY)
        assert (fake.writes, [a.id for a in again.plan.aside], again.plan.counts()) == (before, ["ada"], {})
        fake.bad.clear()
        say(project, "2026-03-02", PEOPLE)
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert done.plan.counts() == {"person": {"create": 1}, "entry": {"create": 1}}
    assert fake.listed()[0] == "ada@shop.example"


def test_where_everybody_is_refused_nobody_is_set_aside(tmp_path):
    people = {f"u{n:02d}": 70.0 for n in range(REFUSED_BEFORE_ANY + 5)}
    fake = FakeAttio(bad={f"{who}@shop.example" for who in people})
    with running(fake) as address:
        project = world(tmp_path, fake, address, people)
        (done,) = sync(project, options=APPLY)
        assert done.done.failed == "Attio answers 400 (u09@shop.example is refused), whatever is sent"
        assert done.done.aside == []
        fake.bad.clear()
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert len(fake.scores()) == len(people) == len(fake.listed())


def test_a_list_that_was_removed_is_made_again_with_everybody_on_it(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        sync(project, options=APPLY)
        fake.lists.clear()
        fake.entries.clear()
        (done,) = sync(project, options=APPLY)
        assert done.plan.counts() == {"list": {"create": 1}, "entry": {"create": 3}}
        assert len(fake.listed()) == 3
        before = fake.writes
        sync(project, options=APPLY)
        assert fake.writes == before


def test_another_workspace_gets_everything(tmp_path):
    with running(FakeAttio()) as address:
        project = world(tmp_path, None, address)
        sync(project, options=APPLY)
    fake = FakeAttio()
    with running(fake) as address:
        attio = project.sync.attio.model_copy(update={"host": address})
        project = project.model_copy(update={"sync": project.sync.model_copy(update={"attio": attio})})
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert (len(fake.scores()), len(fake.listed())) == (5, 3)


def test_an_answer_without_an_id_is_no_answer(tmp_path):
    fake = FakeAttio()
    put = fake._object
    fake._object = lambda *of: (200, {"data": {"id": {}}}) if of[0] == "PUT" else put(*of)
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        (done,) = sync(project, options=APPLY)
    assert "Attio: says yes and gives no record_id" in done.done.failed
    with open_ledger(project.state) as opened:
        rows = SinkLedger.on(opened.con, "attio").rows("person").values()
    assert {row.state for row in rows} == {"unknown"}


def test_a_record_whose_write_got_no_answer_is_emptied_when_the_address_changes(tmp_path):
    fake = FakeAttio()
    fake.faults = lambda number, method, path: "after 500" if method == "PUT" and path.endswith("/records") else None
    with running(fake) as address:
        project = world(tmp_path, fake, address, {"ada": 91.2})
        (done,) = sync(project, options=APPLY)
        assert done.findings
        assert fake.scores() == {"ada@shop.example": (91, "Champion")}  # it took place, and nobody said so
        fake.faults = lambda *_: None
        say(project, "2026-03-02", {"ada": 91.2}, emails={"ada": "ada@new.example"})
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert fake.scores() == {"ada@new.example": (91, "Champion")}
    assert fake.listed() == ["ada@new.example"]


def requests(fake, method):
    return [path.rsplit("/", 1)[-1] for how, path, _ in fake.calls if how == method]


def record_of(fake, address):
    (found,) = [id_ for id_, r in fake.records["people"].items() if address in r["values"]["email_addresses"]]
    return found


def test_a_candidate_whose_score_changed_is_an_update_of_the_record_that_the_list_shows(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        sync(project, options=APPLY)
        before = {id_: dict(entry) for id_, entry in fake.entries["power_user_candidates"].items()}
        say(project, "2026-03-02", {**PEOPLE, "ada": 72.0, "eve": 13.0})
        (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"person": {"update": 2}}
    assert "rows of the list that are updated, through their record: 1" in done.plan.remarks
    assert fake.entries["power_user_candidates"] == before
    assert all(entry["entry_values"] == {} for entry in before.values())
    assert fake.scores()["ada@shop.example"] == (72, "Power User")
    assert len(fake.listed()) == 3


def test_what_was_written_to_somebody_whose_address_is_lost_or_shared_is_emptied(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        sync(project, options=APPLY)
        say(project, "2026-03-02", PEOPLE, emails={"ada": None, "bob": "cyd@shop.example"})
        (done,) = sync(project, options=APPLY)
        assert {a.id for a in done.plan.aside} == {"ada", "bob", "cyd"}
        assert (done.findings, done.trouble) == (True, "")
        assert done.plan.counts() == {"person": {"remove": 3}, "entry": {"remove": 3}}
        assert set(fake.scores()) == {"dan@shop.example", "eve@shop.example"}
        assert (fake.listed(), len(fake.records["people"])) == ([], 5)
        before = fake.writes
        (again,) = sync(project, options=APPLY)
        assert (again.plan.counts(), again.findings, fake.writes) == ({}, True, before)
        say(project, "2026-03-03", PEOPLE)
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert (len(fake.scores()), len(fake.listed())) == (5, 3)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_record_that_is_somebody_else_s_by_now_is_not_emptied(tmp_path, leaves):
    fake = FakeAttio()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        sync(project, options=APPLY)
        once_ada_s, once_bob_s = (record_of(fake, f"{who}@shop.example") for who in ("ada", "bob"))
        people = {who: score for who, score in PEOPLE.items() if not (leaves and who == "ada")}
        say(project, "2026-03-02", people, emails={"ada": None, "bob": "ada@shop.example"})
        (done,) = sync(project, options=APPLY)
        assert done.findings is not leaves
        assert requests(fake, "PATCH") == [once_bob_s]
        assert record_of(fake, "ada@shop.example") == once_ada_s
        assert fake.scores()["ada@shop.example"] == (78, "Power User")
        assert fake.listed() == ["ada@shop.example", "cyd@shop.example"]
        before = fake.writes
        sync(project, options=APPLY)
        assert fake.writes == before


def test_two_who_exchange_their_addresses_have_their_own_scores(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        sync(project, options=APPLY)
        say(project, "2026-03-02", PEOPLE, emails={"ada": "eve@shop.example", "eve": "ada@shop.example"})
        (done,) = sync(project, options=APPLY)
        assert not done.findings
        assert requests(fake, "PATCH") == []
        told = fake.scores()
        assert (told["eve@shop.example"], told["ada@shop.example"]) == ((91, "Champion"), (12, "Standard"))
        assert fake.listed() == ["bob@shop.example", "cyd@shop.example", "eve@shop.example"]
        before = fake.writes
        sync(project, options=APPLY)
        assert fake.writes == before


def test_where_nobody_has_an_address_nothing_is_emptied(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = world(tmp_path, fake, address)
        sync(project, options=APPLY)
        before = fake.writes
        say(project, "2026-03-02", PEOPLE, emails=dict.fromkeys(PEOPLE))
        (done,) = sync(project, options=APPLY)
    assert ({a.id for a in done.plan.aside}, fake.writes) == (set(PEOPLE), before)
    assert "nobody has an address tonight, so what was written to those set aside stays as it is" in done.plan.remarks
    assert (len(fake.scores()), len(fake.listed())) == (5, 3)


def test_an_old_record_that_could_not_be_emptied_is_emptied_the_next_time(tmp_path):
    fake = FakeAttio()
    with running(fake) as address:
        project = world(tmp_path, fake, address, {"ada": 91.2})
        sync(project, options=APPLY)
        say(project, "2026-03-02", {"ada": 91.2}, emails={"ada": "ada@new.example"})
        fake.faults = lambda number, method, path: "500" if method == "PATCH" else None
        (done,) = sync(project, options=APPLY)
        assert done.done.failed
        fake.faults = lambda *_: None
        (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert fake.scores() == {"ada@new.example": (91, "Champion")}
    assert fake.listed() == ["ada@new.example"]
