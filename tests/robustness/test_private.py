"""After training on names and addresses: nothing of them in store and logs, ids in the private cache alone."""

from __future__ import annotations

import random
import stat

import pytest

from tests.cli.conftest import powerml  # noqa: F401

EXPERIMENT = "question: who leaves?\nscreen: off\nscorers:\n  - {name: plain, fit: logistic}\n"
PEOPLE = {
    "name": "Zyla Quorrin {}",
    "work_email": "zq{}@quorrin.example",
    "phone": "+49 30 9988{:03d}",
    "street": "Quorrinweg {}",
    "contact": "Mail to zq{}@quorrin.example, please",
}
"""Column -> what stands in it; the first of each differ in all rows, or half the rows share one."""


def feature_table(path, *, shared: bool) -> list[bytes]:
    """Writes a table of 240 rows, and gives what must not be found: each cell of people, each id."""
    draw = random.Random(5)
    header = ["customer_id", "logins", "plan", "churned", *PEOPLE]
    lines, secrets = [",".join(header)], []
    for n in range(240):
        logins = draw.gauss(5, 2)
        told = [text.format(n % 8 if shared else n) for text in PEOPLE.values()]
        id_ = f"kq-{n:05d}"
        churned = int(draw.random() < 0.8 - 0.1 * logins)
        lines.append(",".join([id_, f"{logins:.3f}", draw.choice("ab"), str(churned), *(f'"{t}"' for t in told)]))
        secrets += [id_, *told]
    path.write_text("\n".join(lines) + "\n")
    return [secret.encode() for secret in dict.fromkeys(secrets)]


def found_in(folder, secrets: list[bytes]) -> list[str]:
    """Files that hold one of them, with the first."""
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            hits += [f"{path.relative_to(folder)}: {secret.decode()}" for secret in secrets if secret in content][:1]
    return hits


@pytest.mark.parametrize("shared", [False, True], ids=["each his own", "eight people for all"])
def test_nothing_of_people_reaches_the_store_or_what_is_said(shared, tmp_path, powerml):  # noqa: F811
    secrets = feature_table(tmp_path / "features.csv", shared=shared)
    (tmp_path / "e.yaml").write_text(EXPERIMENT)
    ran = powerml("train", "e.yaml", "--table", "features.csv", "--target", "churned", "--id", "customer_id")
    assert ran.status == 0, ran.err
    assert found_in(tmp_path / ".powerml", secrets) == []
    assert [secret for secret in secrets if secret in (ran.out + ran.err).encode()] == []
    assert "names or addresses of people" in ran.out + ran.err


def test_ids_of_a_project_stand_in_the_private_cache_alone(tmp_path, powerml):  # noqa: F811
    ids = [f"kq-{n:03d}" for n in range(9)]
    lines = [f"{id_},seen,2026-01-{day:02d}T10:00:00Z" for id_ in ids for day in range(1, 29)]
    (tmp_path / "events.csv").write_text("user_id,event,time\n" + "\n".join(lines) + "\n")
    people = "".join(f"{id_},a{id_},Zyla {id_},zq@quorrin.example\n" for id_ in ids)
    (tmp_path / "users.csv").write_text("user_id,account_id,name,email\n" + people)
    (tmp_path / "powerml.yaml").write_text(
        "project: shop\ntables: {events: {files: events.csv}, users: {files: users.csv}}\nvocabulary: {}\n"
    )
    ran = powerml("snapshot", "--as-of", "2026-02-01", "-o", "s.csv")
    assert ran.status == 0, ran.err
    secrets = [b"zq@quorrin.example", b"Zyla"]
    assert found_in(tmp_path / ".powerml", secrets) == []  # names of people serve no metric, so nothing keeps them
    elsewhere = found_in(tmp_path / ".powerml", [id_.encode() for id_ in ids])
    assert {hit.partition("/")[0] for hit in elsewhere} <= {"cache"}
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / ".powerml").rglob("*")}
    assert modes <= {0}
