"""What the machine is on which the parts run."""

from collections.abc import Generator

from grok.bench.measure import Row, Table
from grok.gpu.job import FailedError, Job


def describe(job: Job) -> Generator[Table, None, str]:
    """Name device and versions, and return them in one line.

    Raises:
        FailedError: if this machine does not have the device.
    """
    import torch

    from grok.tracking.environment import describe_environment

    if job.device == "cuda" and not torch.cuda.is_available():
        raise FailedError("--device: expected a device that this machine has, got cuda: use --device cpu")
    device = torch.device(job.device)
    known = describe_environment(device)
    properties = {
        "device": known["device_name"],
        "torch": torch.__version__,
        "python": known["versions"]["python"],
        "threads": str(known["threads"]),
        "grok": known["git_commit"] or known["versions"]["grok"],
    }
    if job.device == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        properties |= {"CUDA": str(torch.version.cuda), "memory": f"{memory / 2**30:.0f} GiB"}
    rows: list[Row] = [{"property": name, "value": value} for name, value in properties.items()]
    yield Table("the machine", rows)
    return f"{properties['device']}, torch {properties['torch']}, {properties['threads']} threads"
