"""Sentences on what happened to a message: a model's error, or a date in the future."""

from __future__ import annotations

from t3tray.domain.carries import local_time

# OpenCode's names of model errors and what they mean; the provider's own words follow.
_ERRORS = {
    "ProviderAuthError": "The model's provider refused the key",
    "MessageOutputLengthError": "The reply grew longer than the model may write",
    "ContextOverflowError": "The conversation is longer than the model can read",
    "APIError": "The model did not answer",
}


def error_sentence(name: str, message: str) -> str:
    """Return a model's error as a sentence: what happened, and what the provider said about it."""
    what = _ERRORS.get(name, "The turn ended with an error")
    provider_words = message.strip().rstrip(".")
    return f"{what}: {provider_words}." if provider_words else f"{what}."


def not_answered(why: str) -> str:
    """`why` is the model's error, with or without a full stop."""
    return f"The model did not answer: {why}"


def not_asked(why: str) -> str:
    """Return the sentence on a message that OpenCode stored without asking the model; `why` is empty if unknown."""
    return f"The model was not asked. {why or 'OpenCode stored this message and gave no reason.'}"


def dated_ahead_sentence(at_ms: int) -> str:
    """Return why OpenCode asks no model after a message that is dated at this time in the future."""
    return f"The newest message of this session is dated {local_time(at_ms)}, which is still to come."
