"""What the host knows is copied into the first rows, and into no others."""

import torch

from grok.training.transfer import fill, to_device


def test_the_first_rows_are_filled_in_their_own_precision():
    rows = torch.full((3, 2), -1.0)
    fill(rows, torch.tensor([[1, 2], [3, 4]]))
    assert rows.tolist() == [[1.0, 2.0], [3.0, 4.0], [-1.0, -1.0]]


def test_values_come_to_a_device_as_they_are():
    values = torch.tensor([1, 2])
    assert to_device(values, torch.device("cpu")) is values
