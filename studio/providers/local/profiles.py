"""How the local models like to be asked: sampling per kind of run, structured output, template variant, limits, label."""

from __future__ import annotations

from collections.abc import Mapping

from studio.domain.text import one_line
from studio.providers.base import ModelProfile, Sampling
from studio.providers.local.choice import LocalModel
from studio.providers.local.weights import CATALOGUE, OWN, Weights

OWN_CONTEXT_TOKENS = 12_288
OWN_MAX_OUTPUT_TOKENS = 4_096

# Headings of the prompt that a small model goes on to write after its answer.
_STOP = ("\nBeats:", "\nFeedback:", "\nNew page:", "\nChanges the author wants:")
# The provider carries the repeat penalty out as DRY, see there.
_DRAFT = Sampling(temperature=0.5, top_p=0.9, min_p=0.05, repeat_penalty=1.05, stop=_STOP)
# A repeat penalty or DRY punishes copying, and a revision is mostly a copy: with DRY the page came back unchanged. From a
# temperature of 0.6 on the small model lost paragraphs that no note was about (2 of 4 runs); at 0.2 none (2 runs).
_REVISE = Sampling(temperature=0.3, top_p=0.9, min_p=0.05, stop=_STOP)
# Plans, reviews and passages of code repeat names and brackets on purpose, and copy what stands in the prompt.
_EXACT = Sampling(temperature=0.2, top_p=0.9, min_p=0.05)
_SAMPLING: Mapping[str, Sampling] = {"draft": _DRAFT, "revise": _REVISE, "continue": _DRAFT, "exact": _EXACT}


def _profile(context_tokens: int, max_output_tokens: int, variant: str | None, label: str) -> ModelProfile:
    # tool_mode: these models and llama.cpp's parser give no native tool calls; a JSON schema always works.
    return ModelProfile(
        context_tokens=context_tokens,
        max_output_tokens=max_output_tokens,
        structured="json_schema",
        tool_mode="json_schema",
        supports_temperature=True,
        template_variant=variant,
        sampling=_SAMPLING,
        local=True,
        label=label,
    )


def _pinned(weights: Weights) -> ModelProfile:
    return _profile(weights.context_tokens, weights.max_output_tokens, "small", weights.label)


PROFILES: Mapping[str, ModelProfile] = {
    **{name: _pinned(weights) for name, weights in CATALOGUE.items()},
    OWN: _profile(OWN_CONTEXT_TOKENS, OWN_MAX_OUTPUT_TOKENS, "small", "local, your own model"),
}
"""By model name of provider `local`."""


def profile_of(model: LocalModel) -> ModelProfile:
    """The profile with the own file's name in its label."""
    if model.weights is not None:
        return PROFILES[model.name]
    return _profile(
        OWN_CONTEXT_TOKENS, OWN_MAX_OUTPUT_TOKENS, "small", f"local {one_line(model.path.stem, 40)} - your own model"
    )
