"""MIR and HDR in any training loop: a monitor is attached to a model by the name of its head."""

import difflib
from types import MethodType
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from grok.information.checks import check_integer, check_samples
from grok.information.interplay import Interplay, gram_interplay


class MonitorSummary(NamedTuple):
    """Summary of the batches that a monitor has recorded since it was attached or reset."""

    sample: Interplay
    """Interplay of features with the head rows of their labels, averaged over the batches of `n` samples."""
    n: int
    """Most frequent number of samples in a batch. MIR depends on n, so batches of other sizes are left out."""
    batches: int
    """Number of batches in this mean."""
    prototype: Interplay | None
    """Interplay of the centred class means of all samples with the head rows of the last batch.

    It is None if a class had no samples.
    """


class Monitor:
    """Measures the `sample` pairing of each batch of a classifier: features with the head rows of their labels.

    The head is a module with a `weight` of shape (C, d), and its inputs are the features. If the logits are a product
    with a tied embedding, no head module is called. In that case `features` names the module whose output are the
    features: `Monitor(model, head="embedding", features="norm")`.

    The model is not changed. A hook keeps a reference to the features of the last forward pass and a copy of the head's
    weight at that time (C·d numbers per pass). `record` may therefore be called after the optimiser's step. Calling
    `remove`, or leaving the `with` block, removes the hook.

    Samples whose label is `ignore_index` are left out. If more than `sample_size` samples remain, that many evenly
    spaced ones are measured. A fixed n keeps batches comparable and cheap. With None all samples are measured.

    Under `torch.autocast` the measures stay in float32. `torch.compile`, called before or after, compiles once more
    with the monitor. Under DistributedDataParallel each process measures its own samples. Two cases are rejected:
    `nn.DataParallel` on several devices runs copies of the model in threads, and sharded weights are never whole.

    `check=False` skips the checks of labels and numbers, which make the host wait for a GPU. Finding the samples to
    leave out also makes the host wait, unless `ignore_index` is None.

    Raises:
        ValueError: if there is no module of that name, if it has no (C, d) weight, or if the wrapper of the model can't
            be monitored. Also if a size or index is not an integer, or if a size is below 2.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    >>> inputs, labels = torch.randn(12, 5), torch.arange(12) % 3
    >>> with Monitor(model, head="2") as monitor:
    ...     loss = torch.nn.functional.cross_entropy(model(inputs), labels)
    ...     values = monitor.record(labels)
    >>> 0 < values.mir < 1, monitor.summary().n
    (tensor(True), 12)
    """

    _captured: tuple[Any, Float[Tensor, "class dim"]] | None = None
    _samples: dict[int, tuple[Float[Tensor, "5"], int]]
    _last_weight: Float[Tensor, "class dim"] | None

    def __init__(
        self,
        model: nn.Module,
        head: str,
        *,
        features: str | None = None,
        sample_size: int | None = 512,
        ignore_index: int | None = -100,
        check: bool = True,
    ) -> None:
        if sample_size is not None:
            check_integer("sample_size", sample_size, 2, also=", or None for all")
        if ignore_index is not None:
            check_integer("ignore_index", ignore_index, also=", or None")
        model = _unwrapped(model)
        self._head = _submodule(model, "head", head, nn.Linear, nn.Embedding)
        weight = _weight(self._head)
        if not isinstance(weight, Tensor) or weight.ndim != 2 or hasattr(weight, "placements"):
            found = f"a {weight.ndim}-D {type(weight).__name__}" if isinstance(weight, Tensor) else "missing"
            raise ValueError(
                f"head: expected a module with a whole weight of shape (classes, features), got {head!r}, "
                f"a {type(self._head).__name__} whose weight is {found}"
            )
        if isinstance(self._head, nn.Embedding) and features is None:
            raise ValueError(
                f"features: expected the name of the module whose output meets the tied embedding {head!r}, got none"
            )
        self._from_output = features is not None
        self._source_name = features or head
        self._sample_size, self._ignore_index, self._check = sample_size, ignore_index, check
        self._source = self._head if features is None else _submodule(model, "features", features, nn.Module)
        self._hook = self._source.register_forward_hook(self._capture, with_kwargs=True)
        # torch.compile would reuse a graph made without the hook if the module had no `forward` of its own.
        self._forward = MethodType(type(self._source).forward, self._source)
        vars(self._source).setdefault("forward", self._forward)
        self.reset()

    @torch.inference_mode(False)
    def record(self, labels: Shaped[Tensor, "..."]) -> Interplay:
        """Return the interplay of the last forward pass, whose samples have these labels, and add it to the summary.

        A forward pass is recorded once. If there were several since the last record, the last one is measured.

        Shapes: one integer in [0, C) per feature vector, (n,) or (batch, position) -> five scalars on the features'
        device, as in `gram_interplay`.

        Raises:
            RuntimeError: if there was no forward pass since the last record.
            ValueError: if the labels do not fit, or if the features have a zero vector or a number that is not finite.
        """
        features, weight = self._take()
        places, labels = features.shape[:-1], labels.to(features.device)
        if labels.shape != places and (labels.numel() != places.numel() or min(labels.ndim, len(places)) > 1):
            raise ValueError(
                f"labels: expected one label per feature vector, shape {tuple(places)}, got {tuple(labels.shape)} "
                "(label positions to leave out with ignore_index)"
            )
        features, labels = features.flatten(0, -2), labels.flatten()
        if self._ignore_index is not None:
            kept = labels != self._ignore_index
            features, labels = features[kept], labels[kept]
        if len(labels) == 0:
            raise ValueError(f"labels: expected one or more that are not ignore_index, got none of {places.numel()}")
        if self._check:
            check_samples(features, weight, labels)
        n = min(len(labels), self._sample_size or len(labels))
        chosen = torch.arange(n, device=features.device) * (len(labels) - 1) // max(n - 1, 1)
        labels = labels.long()
        values = gram_interplay(features[chosen], weight[labels[chosen]], check=False)
        total, batches = self._samples.get(n, (0, 0))
        self._samples[n] = total + torch.stack(values).double(), batches + 1
        if self._last_weight is None:
            self._sums = torch.zeros(len(weight), features.shape[1], dtype=torch.float64, device=features.device)
            self._counts = torch.zeros(len(weight), dtype=torch.float64, device=features.device)
        self._sums.index_add_(0, labels, features.double())
        self._counts.index_add_(0, labels, torch.ones_like(labels, dtype=torch.float64))
        self._last_weight = weight
        return values

    def summary(self) -> MonitorSummary:
        """Return the summary of all batches since the last `reset`, for example of an epoch.

        The `prototype` value costs an eigendecomposition of size C.

        Raises:
            RuntimeError: if nothing was recorded.
            ValueError: if a head row is zero, or if a class mean equals the global mean.
        """
        if not self._samples or self._last_weight is None:
            raise RuntimeError("summary: expected a recorded batch, got none since the last reset")
        n = max(self._samples, key=lambda n: (self._samples[n][1], n))
        total, batches = self._samples[n]
        prototype = None
        if (self._counts > 0).all():
            means = self._sums / self._counts[:, None]
            global_mean = self._sums.sum(dim=0) / self._counts.sum()
            prototype = gram_interplay(self._last_weight.to(means), means - global_mean, check=self._check)
        return MonitorSummary(Interplay(*(total / batches)), n, batches, prototype)

    def reset(self) -> None:
        """Discard all recorded batches, for example at the start of an epoch."""
        self._samples, self._last_weight = {}, None

    def remove(self) -> None:
        """Remove the hook from the model and keep the recorded batches."""
        self._hook.remove()
        if vars(self._source).get("forward") is self._forward:
            del self._source.forward
        self._captured = None

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def _capture(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        features = output if self._from_output else next(iter((*args, *kwargs.values())), None)
        kept = features.detach() if isinstance(features, Tensor) else features
        self._captured = kept, _weight(self._head).detach().clone()

    def _take(self) -> tuple[Float[Tensor, "*samples dim"], Float[Tensor, "class dim"]]:
        """Return the features and weight of the last forward pass, which is possible once per pass."""
        if self._captured is None:
            raise RuntimeError(
                f"record: expected a forward pass through {self._source_name!r} since the last record, got none (a "
                "head used only for its weight needs `features`; under torch.compile, call torch.compiler.reset() once)"
            )
        (features, weight), self._captured = self._captured, None
        if not isinstance(features, Tensor) or features.ndim < 2:
            shape = f"shape {tuple(features.shape)}" if isinstance(features, Tensor) else type(features).__name__
            raise ValueError(f"features: expected {self._source_name!r} to give a tensor (..., d), got {shape}")
        dtype = torch.promote_types(features.dtype, torch.float32)
        return features.to(dtype), weight.to(dtype)


def _weight(module: nn.Module) -> Any:
    """Return the module's weight.

    A parametrised weight, as under `spectral_norm`, is read in eval mode, in which reading does not change it.
    """
    if not is_parametrized(module, "weight"):
        return getattr(module, "weight", None)
    parametrisation: Any = module.get_submodule("parametrizations.weight")
    training = parametrisation.training
    weight = parametrisation.eval()()
    parametrisation.train(training)
    return weight


def _unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside compiled and data-parallel wrappers, which share its modules."""
    if isinstance(model, nn.DataParallel) and len(model.device_ids) > 1:
        raise ValueError(
            f"model: expected one copy of the model, got nn.DataParallel on {len(model.device_ids)} devices, whose "
            "copies run in threads (use DistributedDataParallel, or call and monitor model.module)"
        )
    wrapper = isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel))
    inner = model.module if wrapper else getattr(model, "_orig_mod", None)
    return _unwrapped(inner) if isinstance(inner, nn.Module) else model


def _submodule(model: nn.Module, argument: str, name: str, *kinds: type[nn.Module]) -> nn.Module:
    """Return the module of that name.

    If there is none, the error suggests names of modules of these kinds.
    """
    modules = dict(model.named_modules())
    if name in modules:
        return modules[name]
    names = [each for each, module in modules.items() if isinstance(module, kinds)]
    shown = difflib.get_close_matches(name, names, n=3) or names[-3:]
    raise ValueError(f"{argument}: expected the name of a module, such as {', '.join(map(repr, shown))}, got {name!r}")
