"""Why a node ran, or did not, in words."""

from __future__ import annotations

from collections.abc import Mapping

from engine.events import Why, WhyCode

WORDS: Mapping[WhyCode, str] = {
	'first_time': 'first time',
	'input_changed': 'an input changed',
	'upstream_changed': 'something upstream changed',
	'fingerprint_changed': 'a file or another thing outside changed',
	'version_changed': 'the node itself changed',
	'evicted': 'its result was no longer kept',
	'not_cacheable': 'its results are never kept',
	'cached': 'nothing changed',
	'same_inputs': 'what it was given turned out the same',
	'twin': 'an equal node ran',
}


def in_words(why: Why | None) -> str:
	"""The reason for people; empty if none is known."""
	return '' if why is None else why.text or WORDS[why.code]
