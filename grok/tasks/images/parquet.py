"""Labelled images from Parquet files in the Hugging Face layout, decoded once into one tensor."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Int, UInt8
from PIL import Image
from torch import Tensor

from grok.tasks.images.image_task import DataError
from grok.tasks.task import Split

IMAGE_COLUMNS = ("img", "image")


def split_files(folder: Path, split: Split) -> list[Path]:
    """Return the files of a split in a folder: `train.parquet`, or `train-00000-of-00002.parquet` and so on, or none.

    Raises:
        DataError: if there are files of both kinds, or if some of the numbered files are missing.
    """
    whole, shards = folder / f"{split}.parquet", sorted(folder.glob(f"{split}-*-of-*.parquet"))
    if not shards:
        return [whole] if whole.is_file() else []
    if whole.is_file():
        raise DataError(f"{folder}: expected {whole.name} or {shards[0].name}, got both (remove one)")
    expected = shards[0].stem.rpartition("-of-")[2]
    if not expected.isdecimal() or len(shards) != int(expected):
        raise DataError(f"{folder}: expected {expected} files such as {shards[0].name}, got {len(shards)}")
    return shards


def read_images(
    files: Sequence[Path], *, label_column: str, num_classes: int
) -> tuple[UInt8[Tensor, "sample channel=3 height width"], Int[Tensor, "sample"]]:
    """Return the RGB pixels and labels of all rows, in the order of files and rows.

    Images are in a column `img` or `image` of structs that hold the encoded `bytes`.

    Raises:
        DataError: if a file or row cannot be read. The message names the file and the row, counted from 0.
    """
    images: list[np.ndarray] = []
    labels: list[int] = []
    for path in files:
        for row, (encoded, label) in enumerate(_rows(path, label_column)):
            where = f"{path}: row {row}"
            images.append(_decode(encoded, where))
            if images[-1].shape != images[0].shape:
                height, width, _ = images[0].shape
                got = "×".join(str(size) for size in images[-1].shape[:2])
                raise DataError(f"{where}: expected an image of {height}×{width} pixels, as the first, got {got}")
            if not isinstance(label, int) or not 0 <= label < num_classes:
                raise DataError(f"{where}: expected a {label_column} in [0, {num_classes}), got {label}")
            labels.append(label)
    if not images:
        raise DataError(f"{', '.join(map(str, files))}: expected rows, got none")
    pixels = torch.from_numpy(np.stack(images))
    return pixels.permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def _rows(path: Path, label_column: str) -> Iterator[tuple[bytes | None, object]]:
    """Yield the encoded image and the label of each row."""
    try:
        file = pq.ParquetFile(path)
        columns = file.schema_arrow.names
        image_column = next((name for name in IMAGE_COLUMNS if name in columns), None)
        if image_column is None or label_column not in columns:
            wanted = f"{' or '.join(IMAGE_COLUMNS)}, and {label_column}"
            raise DataError(f"{path}: expected columns {wanted}, got {', '.join(columns)}")
        kind = file.schema_arrow.field(image_column).type
        if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
            raise DataError(f"{path}: expected structs with bytes in column {image_column}, got {kind}")
        for batch in file.iter_batches(batch_size=1024, columns=[image_column, label_column]):
            encoded = batch.column(image_column).field("bytes").to_pylist()
            yield from zip(encoded, batch.column(label_column).to_pylist(), strict=True)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: expected a Parquet file, got one that cannot be read ({error})") from error


def _decode(encoded: bytes | None, where: str) -> np.ndarray:
    if encoded is None:
        raise DataError(f"{where}: expected an image, got none")
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # Pillow raises many types of errors on damaged bytes, even SyntaxError
        raise DataError(f"{where}: expected an image, got bytes that cannot be decoded ({error})") from error
