"""Small Parquet files in the Hugging Face layout."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def pixels(count, *, seed=0, height=4, width=5):
    """Random RGB images, (n, height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def png(image) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def write_images(path, encoded, labels, *, image_column="img", label_column="label"):
    """One file with these encoded images, each bytes or None, and labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": image, "path": None} for image in encoded]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({image_column: pa.array(images, kind), label_column: labels}), path)
    return path
