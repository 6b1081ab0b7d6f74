"""A Parquet file from the Hugging Face hub, whole or not at all."""

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
    """Where the hub has a data set's file; the environment variable HF_ENDPOINT names a mirror, as in its own tools.

    >>> hub_url("uoft-cs/cifar10", "plain_text/test-00000-of-00001.parquet")
    'https://huggingface.co/datasets/uoft-cs/cifar10/resolve/main/plain_text/test-00000-of-00001.parquet'
    """
    return f"{os.environ.get('HF_ENDPOINT', HUB)}/datasets/{repository}/resolve/main/{file}"


def fetch(url: str, path: Path) -> None:
    """Fetch a Parquet file to `path`, making the folder.

    Raises:
        DataError: it cannot be fetched, came in part or is no Parquet file; nothing is left at `path`.
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
            error.close()  # it holds the answer's connection
        raise DataError(f"cannot download {url} to {path} ({error}): put the file there by other means") from error
