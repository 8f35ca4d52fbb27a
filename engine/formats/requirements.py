"""What a workflow says that must be there to run it, held against what is here: kinds, their versions, model files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.catalogue import Catalogue
from engine.declaration import NodeInfo
from engine.errors import EngineError
from engine.formats.document import FIRST_VERSION, NodeEntry, Requirements, WorkflowDocument
from engine.formats.editor.read import MissingKind
from engine.graph import Graph


@dataclass(frozen=True, slots=True)
class MissingModel:
	"""A model file that a workflow asks for and that is not here, or (`differs`) is another one of the same name."""

	name: str
	folder: str
	url: str = ''
	differs: bool = False

	@property
	def sentence(self) -> str:
		"""For people."""
		if self.differs:
			told = f'the model {self.name!r} ({self.folder}) is another file than the workflow was made with'
		else:
			told = f'the model {self.name!r} is not in the folder {self.folder!r}'
		return f'{told}; it is found at {self.url}' if self.url else told


def missing_kinds(document: WorkflowDocument, graph: Graph, nodes: Mapping[str, NodeInfo]) -> tuple[MissingKind, ...]:
	"""The kinds of a graph that are not known here, with the packs that the document it came from names for them."""
	unknown: dict[str, list[str]] = {}
	for node, call in graph.calls.items():
		if call.kind not in nodes:
			unknown.setdefault(call.kind, []).append(node)
	if not unknown:
		return ()
	packs = {entry.kind: entry.pack for _, entry in _entries(document) if entry.pack}
	return tuple(MissingKind(kind, tuple(those), packs.get(kind, '')) for kind, those in unknown.items())


def version_warnings(document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> tuple[str, ...]:
	"""A sentence for each kind that is installed in another version than the document was written for."""
	found: dict[tuple[str, str, str], list[str]] = {}
	for node, entry in _entries(document):
		info = nodes.get(entry.kind)
		written = entry.version or FIRST_VERSION
		if info is not None and info.version != written:
			found.setdefault((entry.kind, written, info.version), []).append(node)
	return tuple(
		f'{"nodes" if len(those) > 1 else "node"} {", ".join(map(repr, those))} ({kind}): the file was written for '
		f'version {written}, {_relation(written, installed)} is installed; the result may be another one.'
		for (kind, written, installed), those in found.items()
	)


def _relation(written: str, installed: str) -> str:
	if written.isdecimal() and installed.isdecimal():
		return f'{"a newer one" if int(installed) > int(written) else "an older one"} ({installed})'
	return f'version {installed}'


def _entries(document: WorkflowDocument) -> Iterator[tuple[str, NodeEntry]]:
	yield from document.nodes.items()
	for name, definition in document.subgraphs.items():
		yield from ((f'{name}/{node}', entry) for node, entry in definition.nodes.items())


def missing_models(requires: Requirements, catalogue: Catalogue) -> tuple[MissingModel, ...]:
	"""The model files that are not here, or whose content is another one. Reads the disk: not for the event loop."""
	found: list[MissingModel] = []
	for name, need in requires.models.items():
		if not need.folder:
			continue
		try:
			digest = catalogue.digest(catalogue.path(need.folder, name))
		except (EngineError, OSError):
			found.append(MissingModel(name, need.folder, need.url))
			continue
		if need.digest and need.digest != digest:
			found.append(MissingModel(name, need.folder, need.url, differs=True))
	return tuple(found)
