from types import ModuleType

import pytest

from engine.errors import PluginError
from engine.registry import Registry
from engine.spec import node, spec_of


def module(*kinds: str) -> ModuleType:
	"""A module with a node function of each kind, and a plain one."""
	made = ModuleType('made')
	for kind in kinds:

		@node(kind=kind, category='test')
		def function() -> int:
			return 1

		setattr(made, kind.lower(), function)
	setattr(made, 'helper', module)  # noqa: B010 - mypy knows no such attribute
	return made


class TestCollect:
	def test_every_node_function_is_registered(self) -> None:
		"""Functions that bear a spec are registered in the module's order; others pass by."""
		registry = Registry()

		assert registry.collect(module('First', 'Second'), origin='made') == 2
		assert list(registry) == ['First', 'Second']
		assert len(registry) == 2

	def test_the_origin_is_noted(self) -> None:
		"""The registered declaration tells the pack; the function's own spec stays as it was."""
		registry = Registry()
		made = module('First')
		registry.collect(made, origin='made')
		own = spec_of(made.first)

		assert registry['First'].info.origin == 'made'
		assert registry.infos['First'].origin == 'made'
		assert own is not None
		assert own.info.origin == 'nodes'

	def test_a_second_node_of_a_kind_is_refused(self) -> None:
		"""The error names both packs, and the first node stays."""
		registry = Registry()
		registry.collect(module('First'), origin='one')

		with pytest.raises(PluginError, match=r"'two'.*'First' already, from 'one'"):
			registry.collect(module('First'), origin='two')
		assert registry['First'].info.origin == 'one'

	def test_an_unknown_kind_is_a_key_error(self) -> None:
		"""The registry is a mapping."""
		with pytest.raises(KeyError):
			Registry()['Nothing']
