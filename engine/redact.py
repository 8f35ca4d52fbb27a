"""Keeps the secrets of jobs out of what is written and told."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.events import AnyEvent, JobFinished

HIDDEN = '***'
SHORTEST = 4
"""Shorter ones are found in harmless words."""


def redacted(text: str, secrets: Iterable[str]) -> str:
	"""The text without the secrets."""
	for secret in secrets:
		if len(secret) >= SHORTEST:
			text = text.replace(secret, HIDDEN)
	return text


def redacted_event(event: AnyEvent, secrets: Collection[str]) -> AnyEvent:
	"""The event; a node's exception may quote what it was given."""
	if not secrets or not isinstance(event, JobFinished) or event.failure is None:
		return event
	failure = event.failure
	hidden = {
		'message': redacted(failure.message, secrets),
		'traceback': tuple(redacted(line, secrets) for line in failure.traceback),
	}
	return event.model_copy(update={'failure': failure.model_copy(update=hidden)})
