"""A small network, and the measurements of all probes on it."""

import pytest

from tests.helpers import small_member
from tests.training.probes.helpers import measure


@pytest.fixture(scope="package")
def learner():
    return small_member().learner


@pytest.fixture(scope="package")
def measured(learner):
    return measure(learner)
