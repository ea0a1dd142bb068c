"""The local model's set-up, status and removal for front ends: `protocol.local.LocalModels` over `providers.local`."""

from __future__ import annotations

from studio.protocol.local import LocalModelView, LocalProgress, LocalSetUpView, LocalStatusView, Tell
from studio.providers.local import runtime, setup
from studio.providers.local.progress import Progress
from studio.providers.local.weights import CATALOGUE


class LocalSetup:
    """Works on the person's own model folder; needs no project."""

    def status(self) -> LocalStatusView:
        found = setup.status()
        return LocalStatusView(
            folder=str(found.folder), runtime=found.runtime, chosen=found.chosen, models=tuple(map(_view, found.models))
        )

    async def install_runtime(self, tell: Tell) -> None:
        await runtime.install_runtime(tell=lambda progress: tell(_progress(progress)))

    async def set_up(self, which: str, tell: Tell) -> LocalSetUpView:
        made = await setup.set_up(which, tell=lambda progress: tell(_progress(progress)))
        return LocalSetUpView(
            name=made.model.name,
            path=str(made.model.path),
            source=made.source,
            failures=made.failures,
            load_seconds=round(made.trial.load_seconds, 2),
            tokens_per_second=round(made.trial.tokens_per_second, 1),
        )

    def remove(self, which: str) -> int:
        return setup.remove(which)

    def size_words(self, which: str) -> str:
        weights = CATALOGUE.get(which)
        return weights.megabytes if weights else ""


def _view(model: setup.ModelStatus) -> LocalModelView:
    weights = CATALOGUE.get(model.name)
    return LocalModelView(
        name=model.name,
        title=model.title,
        licence=model.licence,
        credit=model.credit,
        size=model.size,
        size_words=weights.megabytes if weights else f"{model.size / 1e6:.0f} MB",
        path=str(model.path) if model.path else None,
        problem=model.problem,
    )


def _progress(progress: Progress) -> LocalProgress:
    return LocalProgress(step=progress.step.value, note=progress.note, done=progress.done, total=progress.total)
