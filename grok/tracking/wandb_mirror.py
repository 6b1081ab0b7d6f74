"""A thinned mirror of a run's record in Weights & Biases. The record in the store is complete."""

import itertools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

DENSE_STEPS = 200


class WandbError(Exception):
    """Raised when wandb cannot be used as asked; the message gives the reason and the mend."""


def mirror_spacing(step: int) -> int:
    """Least number of steps between mirrored rows around `step`: 1 up to step 200, then at least step/200.

    Above step 200 it is the smallest of 10, 20, 50, 100, … that is at least step/200. Of ten million steps, at most
    2,000 are mirrored.

    >>> mirror_spacing(150), mirror_spacing(250), mirror_spacing(3_000), mirror_spacing(40_000)
    (1, 10, 20, 200)
    """
    if step <= DENSE_STEPS:
        return 1
    spacings = (lead * 10**power for power in itertools.count(1) for lead in (1, 2, 5))
    return next(spacing for spacing in spacings if spacing >= step / DENSE_STEPS)


class WandbMirror:
    """One wandb run, offline in the run's own folder or online.

    An offline wandb run cannot be resumed under the same id, so a resumed run is a new wandb run in the same group. The
    metric `step` is the horizontal axis of all charts and joins both parts into one curve.
    """

    def __init__(
        self,
        directory: Path,
        *,
        mode: Literal["offline", "online"],
        project: str,
        group: str,
        config: Mapping[str, Any],
        first_step: int = 0,
    ) -> None:
        """Begin a run below `directory`/wandb. Offline mode writes nowhere else and needs no key and no connection.

        Raises:
            WandbError: if wandb is not installed, or if online mode has no key or no connection.
        """
        # By default wandb writes the log of its service into the home folder.
        os.environ.setdefault("WANDB_CACHE_DIR", str(directory / "wandb" / "cache"))
        try:
            import wandb
        except ImportError as error:
            raise WandbError("wandb is not installed: `pip install wandb`, or use --wandb disabled") from error
        if mode == "online" and not _has_key():
            raise WandbError("wandb has no API key: `wandb login` first, or use --wandb offline")
        settings = wandb.Settings(
            mode=mode,
            reinit="create_new",  # beside the runs of the other members of a stack
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            disable_job_creation=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_save_requirements=False,
        )
        try:
            self._run = wandb.init(
                dir=directory,
                project=project,
                group=group,
                name=group if first_step == 0 else f"{group} from step {first_step}",
                config=dict(config),
                settings=settings,
            )
        except (wandb.Error, OSError) as error:
            raise WandbError(f"wandb does not start ({error}): mend that, or use --wandb disabled") from error
        self._run.define_metric("*", step_metric="step")
        self._since_last: dict[str, float] = {}
        self._previous = first_step - 1
        self._works = True

    @property
    def path(self) -> Path:
        """Path of the wandb run, which `wandb leet` opens and `wandb sync` uploads."""
        return Path(self._run.dir).parent

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take a row. The first one at or after each multiple of `mirror_spacing` is mirrored.

        A mirrored row has the newest values since the last one. The rows of a resumed run, which come from `first_step`
        on, are mirrored as if there were one at the step before. If wandb fails, the mirror ends with a line on stderr,
        and the record in the store is continued.
        """
        self._since_last |= metrics
        spacing = mirror_spacing(step)
        passed, self._previous = self._previous // spacing < step // spacing, step
        if self._works and passed:
            try:
                self._run.log({"step": step, **self._since_last})
            except Exception as error:
                self._give_up(f"at step {step}", error)
            self._since_last = {}

    def finish(self, summary: Mapping[str, Any], exit_code: int = 0) -> None:
        """Write the summary and end the wandb run; a failure of wandb does not fail the training."""
        try:
            self._run.summary.update(dict(summary))
            self._run.finish(exit_code=exit_code)
        except Exception as error:
            self._give_up("before its summary", error)

    def _give_up(self, where: str, error: Exception) -> None:
        self._works = False
        print(f"grok: the wandb mirror ends {where} ({error}); the record goes on", file=sys.stderr)


def _has_key() -> bool:
    import wandb

    return wandb.login(prompt=False)
