"""Which models come in at a node: their files are named by nodes upstream, and others on the way change what is made of them.

What packs say of sockets is in `engine.compute`: which of them carry models, and what comes along inside of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from engine.compute import Compute
from engine.declaration import Choice, NodeInfo
from engine.errors import EngineError
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.models import AUTO, Load, Loaders, Place, Size, Touch, own_size
from engine.storage import Storage

FROM_MODELS = 'models:'


class Change(NamedTuple):
	"""A file that changes weights, by a node of so many constants; with `path` None another model does, in all of them."""

	folder: str
	path: Path | None
	constants: tuple[tuple[str, JsonValue], ...]


class Used(NamedTuple):
	"""A model that a node uses: the part of which files, in which precision, and what changes it.

	`beside` says that it is used by way of another one, as a control network is: what working takes is told with that.
	"""

	part: str
	paths: tuple[Path, ...]
	dtype: str = AUTO
	changes: tuple[Change, ...] = ()
	beside: bool = False

	@property
	def title(self) -> str:
		"""What people are told: parts and files."""
		names = [self.paths[0].name, *(change.path.name for change in self.changes if change.path is not None)]
		return f'{self.part} of {" + ".join(names)}'


class Upstream:
	"""A graph, looked at against its links."""

	def __init__(self, graph: Graph, infos: Mapping[str, NodeInfo], compute: Compute, storage: Storage) -> None:
		self._calls = graph.calls
		self._infos = infos
		self._compute = compute
		self._storage = storage

	def used(self, call: Call) -> list[Used]:
		"""The models that a node uses itself, each once, as far as their files are known; what it hands on is not used."""
		outputs = {output.type for output in self._infos[call.kind].outputs}
		handed_on = outputs.union(*(self._compute.carried.get(type, ()) for type in outputs))
		handed_on |= {with_it for type in handed_on for with_it in self._with(call, type)}
		found: list[Used] = []
		for type, link in self._links(call):
			if type in handed_on:
				continue
			if type in self._compute.parts or type in self._compute.carried:
				found += self._of(link, type, seen=set(), beside=False)
		return [*dict.fromkeys(found)]

	def steering(self, call: Call) -> int:
		"""How many nodes have put networks that steer into what comes in at a node."""
		seen: set[tuple[NodeId, str]] = set()
		for wanted, link in self._links(call):
			if wanted in self._compute.carried:
				list(self._of(link, wanted, seen=seen, beside=True))
		nodes = {node for node, _ in seen}
		return sum(any(self._has(self._calls[node], type) for type in self._compute.steering) for node in nodes)

	def _has(self, call: Call, type: str) -> bool:
		return any(wanted == type for wanted, _ in self._links(call))

	def _links(self, call: Call) -> Iterator[tuple[str, Link]]:
		"""The links that come in at a node whose kind is known, each with the type that is wanted there."""
		info = self._infos.get(call.kind)
		for item in () if info is None else info.inputs:
			given = call.inputs.get(item.name)
			if isinstance(given, Link):
				for type in item.type.split(','):
					yield type, given

	def _of(self, link: Link, type: str, *, seen: set[tuple[NodeId, str]], beside: bool) -> Iterator[Used]:
		"""The model behind a link, if it is one of a model, and all that come along with it."""
		if type in self._compute.parts:
			yield from self._model(link, type, seen=seen, beside=beside)
			return
		if (link.node, type) in seen or link.node not in self._calls:
			return
		seen.add((link.node, type))
		yield from self._along(self._calls[link.node], type, seen)

	def _along(self, call: Call, type: str, seen: set[tuple[NodeId, str]]) -> Iterator[Used]:
		"""What comes along from a node inside of what it gives."""
		for wanted in self._compute.carried.get(type, ()):
			for socket in (wanted, *self._with(call, wanted)):
				for given, link in self._links(call):
					if given == socket:
						yield from self._of(link, given, seen=seen, beside=wanted in self._compute.beside)

	def _with(self, call: Call, type: str) -> tuple[str, ...]:
		"""The sockets that come along with one of a node, if anything is linked there."""
		return self._compute.beside.get(type, ()) if self._has(call, type) else ()

	def _model(self, link: Link, type: str, *, seen: set[tuple[NodeId, str]], beside: bool) -> Iterator[Used]:
		"""Follow a model to the node that names its files, through all that change it."""
		changes: list[Change] = []
		passed: set[NodeId] = set()
		dtype = AUTO  # of the node next to where it is used that chooses one
		while link.node not in passed and link.node in self._calls:
			passed.add(link.node)
			call = self._calls[link.node]
			info = self._infos.get(call.kind)
			if info is None:
				return
			yield from self._along(call, type, seen)
			through = [given for wanted, given in self._links(call) if wanted == type]
			constants = tuple((name, given.value) for name, given in call.inputs.items() if isinstance(given, Constant))
			named = list(self._named(info, call))
			dtype = self._dtype(constants) if dtype == AUTO else dtype
			if not through:
				paths = tuple(path for _, path in named)
				if paths:
					made = Used(self._compute.parts[type], paths, dtype, tuple(changes[::-1]), beside)
					yield made
				return
			changes += [Change(folder, path, constants) for folder, path in named if folder in self._compute.changes]
			changes += [Change('', None, constants) for _ in through[1:]]
			link = through[0]

	def _named(self, info: NodeInfo, call: Call) -> Iterator[tuple[str, Path]]:
		"""The model files that a node names, each with its folder."""
		for item in info.inputs:
			given = call.inputs.get(item.name)
			if not isinstance(item.widget, Choice) or not item.widget.files_from.startswith(FROM_MODELS):
				continue
			if isinstance(given, Constant) and isinstance(given.value, str):
				folder = item.widget.files_from.removeprefix(FROM_MODELS)
				with suppress(EngineError):
					for path in self._storage.catalogue.paths(folder, given.value):
						yield folder, path

	def _dtype(self, constants: tuple[tuple[str, JsonValue], ...]) -> str:
		for name, value in constants:
			known = self._compute.precisions.get(name, {})
			if isinstance(value, str) and value in known:
				return known[value]
		return AUTO


class Measurer:
	"""Tells what models will take, by the headers of their files; remembers it."""

	def __init__(self, loaders: Loaders, compute: Compute, place: Place, *, exact: bool) -> None:
		self._loaders = loaders
		self._compute = compute
		self._place = place
		self._exact = exact
		self._sizes: dict[tuple[Used, tuple[int, ...]], Size] = {}

	def size(self, used: Used) -> Size:
		"""What a model takes, with what changes it; nothing if a file cannot be read: its loader will say why."""
		try:
			files = [*used.paths, *(change.path for change in used.changes if change.path is not None)]
			stamp = tuple(path.stat().st_mtime_ns for path in files)
			if (used, stamp) not in self._sizes:
				self._sizes[used, stamp] = self._measured(used)
			return self._sizes[used, stamp]
		except (EngineError, OSError):
			return Size(0)

	def each(self, used: Used) -> int:
		"""The bytes of a value that a model computes with."""
		return self._compute.each(self._load(used))

	def _load(self, used: Used) -> Load:
		return Load(used.paths, used.part, used.dtype, place=self._place, exact=self._exact)

	def _measured(self, used: Used) -> Size:
		load = self._load(used)
		base = self._loaders.measure(load) or Size(0)
		own = own_size(base, [self._touch(change, load) for change in used.changes])
		least = base.least + own.least if base.least else 0
		return Size(base.nbytes + own.nbytes, least)

	def _touch(self, change: Change, load: Load) -> Touch:
		if change.path is None:
			return Touch()
		return self._compute.changes[change.folder](change.path, dict(change.constants), load)
