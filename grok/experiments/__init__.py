"""The experiments that come with the package, a folder each, and what trains and keeps their runs.

In a folder, `__init__.py` describes the experiment and registers it, and `training.py` builds it with torch.
"""

from grok.experiment import Experiment, register
from grok.experiments.connectivity import Connectivity
from grok.experiments.grokking import Grokking
from grok.experiments.norm_matched import NormMatched
from grok.experiments.pruning import Pruning
from grok.experiments.semi_supervised import SemiSupervised
from grok.experiments.supervised import Supervised

SHIPPED: tuple[type[Experiment], ...] = (
    Grokking,
    Supervised,
    Connectivity,
    Pruning,
    SemiSupervised,
    NormMatched,
)

for _type in SHIPPED:
    register(_type())
