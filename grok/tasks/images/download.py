"""Download of a Parquet file from the Hugging Face hub, which leaves either the whole file or none."""

import os
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

import pyarrow as pa
import pyarrow.parquet as pq

from grok.tasks.images.image_task import DataError
from grok.tracking.files import write_atomically

HUB = "https://huggingface.co"
TIMEOUT = 60  # seconds without an answer


def hub_url(repository: str, file: str) -> str:
    """Return the address of a data set's file on the hub.

    The environment variable HF_ENDPOINT may name a mirror, as in the hub's own tools.

    >>> hub_url("uoft-cs/cifar10", "plain_text/test-00000-of-00001.parquet")
    'https://huggingface.co/datasets/uoft-cs/cifar10/resolve/main/plain_text/test-00000-of-00001.parquet'
    """
    return f"{os.environ.get('HF_ENDPOINT', HUB)}/datasets/{repository}/resolve/main/{file}"


def fetch(url: str, path: Path) -> None:
    """Download a Parquet file to `path`, and make its folder.

    Raises:
        DataError: if the download fails or is incomplete, or if it is not a Parquet file. No file is left at `path`.
    """

    def write(temporary: Path) -> None:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            temporary.write_bytes(response.read())
        pq.read_metadata(temporary)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, write)
    except (OSError, HTTPException, pa.ArrowException) as error:
        if isinstance(error, HTTPError):
            error.close()  # the error holds the connection
        raise DataError(f"cannot download {url} to {path} ({error}): put the file there by other means") from error
