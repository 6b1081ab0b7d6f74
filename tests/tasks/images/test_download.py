"""A download is whole, or it leaves no file and reports the reason."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from grok.tasks.images import DataError
from grok.tasks.images.download import fetch, hub_url
from tests.tasks.images.helpers import pixels, png, write_images


@pytest.fixture
def server():
    """Serves the bytes in `body`, announced as `length`; 404 where there are none."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            served = self.server
            if served.body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(served.length or len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        served.body = served.length = None
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.fixture
def some_parquet(tmp_path):
    return write_images(tmp_path / "source.parquet", [png(pixels(1)[0])], [0]).read_bytes()


def url(server):
    return f"http://127.0.0.1:{server.server_port}/train.parquet"


def test_a_file_arrives_as_it_is_in_a_folder_that_is_made(tmp_path, server, some_parquet):
    server.body = some_parquet
    fetch(url(server), tmp_path / "new" / "train.parquet")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["train.parquet"]
    assert (tmp_path / "new" / "train.parquet").read_bytes() == some_parquet


@pytest.mark.parametrize(
    ("cut", "announced", "reason"),
    [
        (None, None, "HTTP Error 404: Not Found"),
        (100, 5000, "IncompleteRead"),
        (100, None, "Parquet"),
    ],
    ids=["missing", "broken off", "not Parquet"],
)
def test_what_is_not_whole_leaves_nothing(tmp_path, server, some_parquet, cut, announced, reason):
    server.body, server.length = cut and some_parquet[:cut], announced
    with pytest.raises(DataError) as caught:
        fetch(url(server), tmp_path / "new" / "train.parquet")
    assert str(caught.value).startswith(f"cannot download {url(server)} to {tmp_path / 'new' / 'train.parquet'} (")
    assert reason in str(caught.value)
    assert str(caught.value).endswith("): put the file there by other means")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_mirror_of_the_hub_is_asked_where_one_is_named(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert hub_url("a/b", "c/d.parquet") == "https://mirror.example/datasets/a/b/resolve/main/c/d.parquet"
