"""Files are written whole or not at all, also where a run is killed in the middle."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from powerml.errors import DataError, UsageError
from powerml.writing import (
    check_ordinary,
    check_writable,
    for_owner_only,
    keep_private,
    not_readable,
    only_one,
    private_folder,
    whole_file,
    whole_folder,
    write_new,
    write_whole,
)

KILLED = """
import os, signal, sys
from pathlib import Path
from powerml.writing import whole_file
with whole_file(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    if sys.argv[2] == "wait":
        print("at work", flush=True)
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with whole_file(target) as draft:
        draft.write_text("new")
        assert target.read_text() == "old"
        assert draft.parent == tmp_path
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_what_goes_wrong_leaves_the_old_file_and_no_draft(tmp_path):
    write_whole(tmp_path / "a.txt", "old")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.txt") as draft:
        draft.write_text(f"new {1 / 0}")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_kill_leaves_the_old_file_and_the_next_run_removes_the_draft(tmp_path):
    write_whole(tmp_path / "a.txt", "old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.txt"), "now"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(names(tmp_path)) == 2
    write_whole(tmp_path / "a.txt", "new")
    assert names(tmp_path) == ["a.txt"]


def test_the_draft_of_a_run_at_work_is_left_to_it(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a.txt"), "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"at work\n"
        write_whole(tmp_path / "a.txt", "new")
        assert len(names(tmp_path)) == 2
    assert (tmp_path / "a.txt").read_text() == "new"


def test_rights_of_an_existing_file_stay_and_links_are_followed(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "real.txt").chmod(0o640)
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_whole(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"
    assert mode(tmp_path / "real.txt") == 0o640


def test_private_files_are_their_owner_s_alone(tmp_path):
    write_whole(tmp_path / "key", "secret", private=True)
    assert mode(tmp_path / "key") == 0o600


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, r"cannot be written \(No space left on device\); check space and rights"),
        (errno.EACCES, r"cannot be written \(Permission denied\); check space and rights"),
        (errno.EROFS, r"cannot be written \(Read-only file system\); the disk is mounted for reading only"),
    ],
)
def test_what_the_system_says_is_one_sentence(tmp_path, number, words):
    with pytest.raises(DataError, match=rf"a\.txt: {words}"), whole_file(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))
    assert names(tmp_path) == []


def test_a_new_file_is_written_once(tmp_path):
    assert write_new(tmp_path / "key", "first")
    assert not write_new(tmp_path / "key", "second")
    assert (tmp_path / "key").read_text() == "first"
    assert names(tmp_path) == ["key"]


def test_folders_of_ours_are_their_owner_s_alone_and_so_is_what_is_in_them(tmp_path):
    ours = tmp_path / ".powerml"
    ours.mkdir(mode=0o755)
    (ours / "cache").mkdir()
    (ours / "cache" / "a").write_text("")
    (tmp_path / "outside").write_text("")
    (ours / "link").symlink_to(tmp_path / "outside")
    before = mode(tmp_path), mode(tmp_path / "outside")
    assert mode(private_folder(ours / "quarantine")) == 0o700
    keep_private(ours)
    assert (mode(ours), mode(ours / "cache"), mode(ours / "cache" / "a")) == (0o700, 0o700, 0o600)
    assert (mode(tmp_path), mode(tmp_path / "outside")) == before


def test_other_makers_of_files_are_held_to_that_for_a_while(tmp_path):
    with for_owner_only():
        (tmp_path / "a").write_text("")
    assert mode(tmp_path / "a") == 0o600


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file; check the path"),
        (lambda path: path.mkdir(), "is a folder; name the file in it"),
        (os.mkfifo, "is a pipe and no ordinary file; save its content in a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device or socket and no ordinary file"),
        (lambda path: path.symlink_to(path.name), r"cannot be read \(Too many levels of symbolic links\)"),
    ],
)
def test_what_cannot_be_read_to_its_end_is_refused(tmp_path, make, words):
    make(tmp_path / "a")
    with pytest.raises(DataError, match=words):
        check_ordinary(tmp_path / "a")


def test_a_target_that_is_no_file_or_may_not_be_written_is_refused_before_any_work(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="is no ordinary file; name another one"):
        check_writable(tmp_path / "pipe.csv")
    check_writable(tmp_path / "new.csv")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(DataError, match=r"new\.csv: cannot be written \(Permission denied\)"):
        check_writable(tmp_path / "new.csv")


def test_a_folder_is_held_by_one(tmp_path):
    with only_one(tmp_path, "taken"), pytest.raises(UsageError, match="taken"), only_one(tmp_path, "taken"):
        pass


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "shop"
    with pytest.raises(ZeroDivisionError), whole_folder(target) as draft:
        (draft / "a.txt").write_text(f"{1 / 0}")
    assert names(tmp_path) == []
    with whole_folder(target) as draft:
        assert draft.name == "shop"
        (draft / "a.txt").write_text("a")
        assert not target.exists()
    with whole_folder(target) as draft:
        (draft / "b.txt").write_text("b")
        assert names(target) == ["a.txt"]
    assert names(target) == ["b.txt"]
    assert names(tmp_path) == ["shop"]


def test_what_a_kill_left_of_a_folder_is_removed_by_the_next_run(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from powerml.writing import whole_folder\n"
        "with whole_folder(Path(sys.argv[1])) as draft: (draft / 'half').write_text('');"
        " os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "shop")], check=False)
    assert "shop" not in names(tmp_path)
    with whole_folder(tmp_path / "shop") as draft:
        assert names(draft) == []
    assert names(tmp_path) == ["shop"]


def test_who_may_not_read_a_file_is_not_told_to_put_another_in_its_place(tmp_path):
    refused = str(not_readable(tmp_path / "a.key", PermissionError(errno.EACCES, "Permission denied"), "remove it"))
    assert refused.endswith("a.key: cannot be read (Permission denied); give yourself the right to read it")
    damaged = str(not_readable(tmp_path / "a.parquet", OSError("word " * 100), "put a copy back"))
    assert damaged.endswith("word word …); put a copy back")
