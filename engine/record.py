"""What a run is recorded with, so that it can be repeated and compared: versions, devices, settings, files by digest.

It is told with the job's beginning, kept with the job, and written into saved pictures beside the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, ValidationError

from engine.declaration import Model

NAME = 'lumengraph_run'
"""The name under which files carry it."""
Precision = Literal['auto', 'exact']


class RecordedFile(Model):
	"""A file that the workflow names: the folder of models (or `input`, `output`, `temp`), name, digest, bytes.

	The digest of a model is that of its header and of samples (`engine.catalogue.sampled_digest`), others' is SHA-256. It is
	empty if there was no such file.
	"""

	folder: str
	name: str
	digest: str
	size: int


class RunRecord(Model):
	"""The circumstances of a run.

	`libraries` are those that compute, `packs` the packs whose nodes the workflow has (version, or digest of the sources).
	`device` is its class, `processor` its name, `threads` how many
	compute at a time on a CPU; `profile` is what results depend on by that, such as precisions.
	"""

	program: str
	python: str
	libraries: dict[str, str] = Field(default_factory=dict)
	packs: dict[str, str] = Field(default_factory=dict)
	device: str
	processor: str
	threads: int = 0
	profile: str
	precision: Precision
	models: tuple[RecordedFile, ...] = ()
	inputs: tuple[RecordedFile, ...] = ()


class RecordChange(Model):
	"""Something that is another in one run than in another: what, before and after (empty: it was not there)."""

	what: str
	before: str
	after: str


def record_in(texts: Mapping[str, str]) -> RunRecord | None:
	"""The record among the texts that a file carries; None if there is none that can be read."""
	text = texts.get(NAME)
	if text is None:
		return None
	try:
		return RunRecord.model_validate_json(text)
	except ValidationError:
		return None


def circumstances(before: RunRecord, after: RunRecord) -> Iterator[RecordChange]:
	"""How the circumstances differ for which equal results may differ a little: versions, devices, precisions."""
	for what in ('program', 'python', 'device', 'processor', 'threads', 'profile', 'precision'):
		yield from _change(what, str(getattr(before, what)), str(getattr(after, what)))
	for what, old, new in (('library', before.libraries, after.libraries), ('pack', before.packs, after.packs)):
		for name in dict.fromkeys((*old, *new)):
			yield from _change(f'{what} {name}', old.get(name, ''), new.get(name, ''))


def contents(before: RunRecord, after: RunRecord) -> Iterator[RecordChange]:
	"""How the files differ that the workflow names: other results are then no surprise."""
	for old, new in ((before.models, after.models), (before.inputs, after.inputs)):
		known = {(file.folder, file.name): file.digest for file in new}
		for file in old:
			yield from _change(f'{file.folder}/{file.name}', file.digest, known.get((file.folder, file.name), ''))


def _change(what: str, before: str, after: str) -> Iterator[RecordChange]:
	if before != after:
		yield RecordChange(what=what, before=before, after=after)
