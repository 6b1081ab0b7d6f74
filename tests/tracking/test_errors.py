"""The error for a failed write names the mend."""

import pytest

from grok.tracking import StoreError
from tests.helpers import new_run


def test_a_write_that_fails_for_any_reason_says_why_and_how_to_go_on(tmp_path):
    run = new_run(tmp_path)
    path = run.path / "nowhere" / "file"
    with pytest.raises(StoreError) as caught, run.writing(path):
        path.write_text("")
    assert str(caught.value) == (
        f"cannot write {path} (No such file or directory): what was saved before is intact; make room or mend the "
        f"permissions, then `grok resume {run.path}`"
    )
