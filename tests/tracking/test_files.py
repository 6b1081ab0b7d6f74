"""After a write, a failed write or a crash, a file is either the whole old one or the whole new one."""

import os

import pytest

from grok.tracking.files import write_atomically


def fill_half_then_fail(path):
    path.write_text("ha")
    raise OSError("no space left")


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    write_atomically(path, lambda temporary: temporary.write_text("new"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_write_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, fill_half_then_fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_is_whole_until_the_new_one_is_on_disk(tmp_path, monkeypatch):
    path, seen = tmp_path / "file", []
    path.write_text("old")
    fsync = os.fsync

    def watched_fsync(descriptor):
        seen.append((os.readlink(f"/proc/self/fd/{descriptor}"), path.read_text()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    write_atomically(path, lambda temporary: temporary.write_text("new"))
    (written, content_before), (folder, content_after) = seen
    assert written.startswith(f"{tmp_path}/.file")
    assert content_before == "old"
    assert (folder, content_after) == (str(tmp_path), "new")
