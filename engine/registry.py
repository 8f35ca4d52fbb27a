"""Kind → spec, with where it came from; duplicates are refused unless replacing is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType

from engine.declaration import NodeInfo
from engine.errors import PluginError
from engine.spec import NodeSpec, spec_of


class Registry(Mapping[str, NodeSpec]):
	"""All node kinds of one run of the program."""

	def __init__(self) -> None:
		self._specs: dict[str, NodeSpec] = {}

	def __getitem__(self, kind: str) -> NodeSpec:
		return self._specs[kind]

	def __iter__(self) -> Iterator[str]:
		return iter(self._specs)

	def __len__(self) -> int:
		return len(self._specs)

	def add(self, spec: NodeSpec, *, origin: str) -> None:
		"""Register a spec under its kind; `PluginError` if another has it."""
		kind = spec.info.kind
		if kind in self._specs:
			raise PluginError(origin, f'there is a node {kind!r} already, from {self._specs[kind].info.origin!r}')
		self.replace(spec, origin=origin)

	def replace(self, spec: NodeSpec, *, origin: str) -> None:
		"""Register a spec under its kind, in the place of another that has it."""
		self._specs[spec.info.kind] = replace(spec, info=spec.info.model_copy(update={'origin': origin}))

	def collect(self, module: ModuleType, *, origin: str) -> int:
		"""Register every function of a module that bears a spec; tells how many."""
		found = [spec for spec in map(spec_of, vars(module).values()) if spec is not None]
		for spec in found:
			self.add(spec, origin=origin)
		return len(found)

	@property
	def infos(self) -> dict[str, NodeInfo]:
		"""Kind → declaration."""
		return {kind: spec.info for kind, spec in self._specs.items()}
