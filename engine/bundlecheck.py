"""What of a bundle's needs is there on this machine, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import JsonValue

from engine.bundle import BundleLock, LockedModel
from engine.catalogue import Catalogue
from engine.declaration import Model
from engine.errors import EngineError
from engine.formats.workflow import Workflow
from engine.models import FileDigest
from engine.namedfiles import named_files
from engine.record import RecordChange
from engine.runner import Runner

ModelState = Literal['there', 'included', 'elsewhere', 'other', 'missing']
PackState = Literal['there', 'other', 'missing']


class FoundModel(Model):
	"""A model that is needed.

	`there` by its name; `included` in the bundle; `elsewhere`: the same content is there as `found`; `other`: its name is
	there, with other content; or `missing`.
	"""

	folder: str
	name: str
	size: int
	state: ModelState
	found: str = ''
	url: str = ''


class FoundPack(Model):
	"""A pack that is needed; `other`: it is there in another version."""

	name: str
	wanted: str
	found: str
	state: PackState


class BundleCheck(Model):
	"""All of it. `complete`: it can be run here. `changes` are versions that are others; they keep nothing from running."""

	complete: bool
	models: tuple[FoundModel, ...]
	packs: tuple[FoundPack, ...]
	missing_kinds: tuple[str, ...]
	changes: tuple[RecordChange, ...]


def check_bundle(lock: BundleLock, workflow: Workflow, runner: Runner) -> BundleCheck:
	"""Look for all that a bundle needs."""
	models = tuple(_found(model, runner.storage.catalogue) for model in lock.requirements.models)
	present = runner.pack_versions()
	packs = tuple(_pack(name, wanted, present.get(name)) for name, wanted in lock.requirements.packs.items())
	kinds = {call.kind for call in workflow.graph.calls.values()}
	unknown = tuple(sorted(kind for kind in kinds if kind not in runner.kit.nodes))
	lacking = [model for model in models if model.state in ('other', 'missing')]
	return BundleCheck(
		complete=not (lacking or unknown),
		models=models,
		packs=packs,
		missing_kinds=unknown,
		changes=tuple(_changes(lock, runner, workflow)),
	)


def substitutes(check: BundleCheck, workflow: Workflow, runner: Runner) -> dict[str, JsonValue]:
	"""For models that are here under other names: NODE.INPUT → that name."""
	names = {(model.folder, model.name): model.found for model in check.models if model.state == 'elsewhere'}
	return {
		f'{file.node}.{file.input}': names[file.folder, file.name]
		for file in named_files(workflow.graph, runner.kit.nodes.infos)
		if file.is_model and (file.folder, file.name) in names
	}


def _found(model: LockedModel, catalogue: Catalogue) -> FoundModel:
	found = FoundModel(folder=model.folder, name=model.name, size=model.size, state='missing', url=model.url)
	digest = FileDigest(model.digest)
	try:
		if catalogue.digest(catalogue.path(model.folder, model.name)) == digest:
			return found.model_copy(update={'state': 'there'})
		named = True
	except (EngineError, OSError):
		named = False
	if model.included:
		return found.model_copy(update={'state': 'included'})
	for name in catalogue.names(model.folder):
		try:
			if catalogue.digest(catalogue.path(model.folder, name)) == digest:
				return found.model_copy(update={'state': 'elsewhere', 'found': name})
		except (EngineError, OSError):
			continue  # Gone since it was listed, or unreadable.
	return found.model_copy(update={'state': 'other'}) if named else found


def _pack(name: str, wanted: str, found: str | None) -> FoundPack:
	state: PackState = 'missing' if found is None else 'there' if found == wanted else 'other'
	return FoundPack(name=name, wanted=wanted, found=found or '', state=state)


def _changes(lock: BundleLock, runner: Runner, workflow: Workflow) -> Iterator[RecordChange]:
	now = runner.record(workflow.graph)
	pairs = [('program', lock.program, now.program), ('python', lock.python, now.python)]
	pairs += [(f'library {name}', found, now.libraries.get(name, '')) for name, found in lock.libraries.items()]
	for what, before, after in pairs:
		if before != after:
			yield RecordChange(what=what, before=before, after=after)
