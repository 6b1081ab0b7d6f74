"""Images are read from Parquet files unchanged, and an unreadable image is named by file and row."""

import re

import pytest
import torch

from grok.tasks.images import DataError
from grok.tasks.images.parquet import read_images, split_files
from tests.tasks.images.helpers import pixels, png, write_images


def read(*files, label_column="label"):
    return read_images(files, label_column=label_column, num_classes=10)


@pytest.mark.parametrize("image_column", ["img", "image"])
def test_pixels_and_labels_are_those_of_all_rows_in_order(tmp_path, image_column):
    images, labels = pixels(5), [3, 1, 4, 1, 5]
    columns = {"image_column": image_column, "label_column": "fine_label"}
    files = [
        write_images(tmp_path / f"{part.start}.parquet", map(png, images[part]), labels[part], **columns)
        for part in (slice(0, 3), slice(3, 5))
    ]
    read_pixels, read_labels = read(*files, label_column="fine_label")
    assert torch.equal(read_pixels, torch.tensor(images).permute(0, 3, 1, 2))
    assert read_pixels.is_contiguous()
    assert read_labels.tolist() == labels


def test_a_grey_image_has_three_equal_channels(tmp_path):
    grey = pixels(1)[0, :, :, 0]
    read_pixels, _ = read(write_images(tmp_path / "a.parquet", [png(grey)], [0]))
    assert torch.equal(read_pixels[0], torch.tensor(grey).expand(3, -1, -1))


def damaged(image: bytes) -> bytes:
    return image[: len(image) // 2]


GOOD = png(pixels(1)[0])


@pytest.mark.parametrize(
    ("encoded", "label", "message"),
    [
        (damaged(GOOD), 0, r"expected an image, got bytes that cannot be decoded \(.+\)"),
        (b"", 0, r"expected an image, got bytes that cannot be decoded \(.+\)"),
        (None, 0, "expected an image, got none"),
        (png(pixels(1, height=6, width=7)[0]), 0, "expected an image of 4×5 pixels, as the first, got 6×7"),
        (GOOD, 10, r"expected a label in \[0, 10\), got 10"),
        (GOOD, -1, r"expected a label in \[0, 10\), got -1"),
        (GOOD, None, r"expected a label in \[0, 10\), got None"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path, encoded, label, message):
    path = write_images(tmp_path / "a.parquet", [GOOD, GOOD, encoded, GOOD], [0, 0, label, 0])
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: row 2: {message}$"):
        read(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image_column": "picture"}, "expected columns img or image, and label, got picture, label"),
        ({"label_column": "class"}, "expected columns img or image, and label, got img, class"),
        ({"image_column": "path", "label_column": "img"}, "expected columns img or image, and label, got path, img"),
    ],
)
def test_a_file_without_the_columns_is_named_with_those_it_has(tmp_path, columns, message):
    path = write_images(tmp_path / "a.parquet", [GOOD], [0], **columns)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: {message}$"):
        read(path)


def test_a_column_of_something_else_than_encoded_images_is_refused(tmp_path):
    path = write_images(tmp_path / "a.parquet", [GOOD], [0], image_column="label_of", label_column="img")
    with pytest.raises(DataError, match=r"a.parquet: expected structs with bytes in column img, got int64$"):
        read(path, label_column="label_of")


def test_a_file_that_is_not_parquet_or_is_cut_is_named(tmp_path):
    path = write_images(tmp_path / "a.parquet", [GOOD], [0])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: expected a Parquet file, got one that cannot be"):
        read(path)


def test_a_file_without_rows_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a.parquet: expected rows, got none$"):
        read(write_images(tmp_path / "a.parquet", [], []))


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ([], []),
        (["test.parquet"], []),
        (["train.parquet", "test.parquet"], ["train.parquet"]),
        (
            ["train-00001-of-00002.parquet", "train-00000-of-00002.parquet"],
            ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
        ),
    ],
)
def test_the_files_of_a_split_are_one_or_all_numbered_ones_in_order(tmp_path, there, found):
    for name in there:
        (tmp_path / name).touch()
    assert split_files(tmp_path, "train") == [tmp_path / name for name in found]


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (["train-00000-of-00002.parquet"], "expected 00002 files such as train-00000-of-00002.parquet, got 1"),
        (
            ["train.parquet", "train-00000-of-00001.parquet"],
            r"expected train.parquet or train-00000-of-00001.parquet, got both \(remove one\)",
        ),
    ],
)
def test_half_a_split_or_one_and_a_half_are_refused(tmp_path, there, message):
    for name in there:
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=rf"^{re.escape(str(tmp_path))}: {message}$"):
        split_files(tmp_path, "train")
