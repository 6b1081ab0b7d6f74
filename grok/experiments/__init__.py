"""The experiments of the package, one folder each, and the code that trains and stores their runs.

In each folder, `__init__.py` describes and registers the experiment, and `training.py` builds it with torch.
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
