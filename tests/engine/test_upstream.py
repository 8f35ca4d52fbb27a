"""Which models come in at a node, by files named upstream, and what comes along inside of others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest

from engine.compute import Compute
from engine.declaration import Choice, NodeInfo
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.models import Load, Loaders, Place, Size, Touch, Weights
from engine.settings import Settings
from engine.sockets import socket
from engine.spec import node, spec_of
from engine.storage import Storage
from engine.upstream import Change, Measurer, Upstream, Used

Named = Annotated[str, Choice(files_from='models:checkpoints')]
Patched = Annotated[str, Choice(files_from='models:loras')]


@socket('NET')
class Net: ...


@socket('AID')
class Aid: ...


@socket('TELLS')
class Tells: ...


@node(kind='Read', category='test')
def read(name: Named, how: str = 'plain') -> Net:
	"""A net from a file."""
	raise NotImplementedError


@node(kind='ReadAid', category='test')
def read_aid(name: Named) -> Aid:
	"""An aid from a file."""
	raise NotImplementedError


@node(kind='Change', category='test')
def change(net: Net, name: Patched) -> Net:
	"""Another net."""
	raise NotImplementedError


@node(kind='Merge', category='test')
def merge(net: Net, other: Net) -> Net:
	"""Both."""
	raise NotImplementedError


@node(kind='Aided', category='test')
def aided(tells: Tells, aid: Aid, net: Net) -> Tells:
	"""With an aid, and a net for it."""
	raise NotImplementedError


@node(kind='Tell', category='test')
def tell(net: Net) -> Tells:
	"""Uses a net."""
	raise NotImplementedError


@node(kind='Use', category='test')
def use(net: Net, tells: Tells) -> str:
	"""Uses a net, and all that comes along with what is told."""
	raise NotImplementedError


NODES = (read, read_aid, change, merge, aided, tell, use)
INFOS: Mapping[str, NodeInfo] = {spec.info.kind: spec.info for spec in map(spec_of, NODES) if spec is not None}
GRAPH: dict[str, tuple[str, dict[str, Any]]] = {
	'a': ('Read', {'name': 'a.sft', 'how': 'small'}),
	'b': ('Read', {'name': 'b.sft'}),
	'aid': ('ReadAid', {'name': 'aid.sft'}),
	'one': ('Change', {'net': ('a',), 'name': 'l.sft'}),
	'both': ('Merge', {'net': ('one',), 'other': ('b',)}),
	'told': ('Tell', {'net': ('b',)}),
	'first': ('Aided', {'tells': ('told',), 'aid': ('aid',), 'net': ('b',)}),
	'second': ('Aided', {'tells': ('first',), 'aid': ('aid',), 'net': ('b',)}),
	'use': ('Use', {'net': ('both',), 'tells': ('second',)}),
}


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
	"""With those files, all empty."""
	for folder, names in (('checkpoints', ('a', 'b', 'aid')), ('loras', ('l',))):
		(tmp_path / 'models' / folder).mkdir(parents=True)
		for name in names:
			(tmp_path / 'models' / folder / f'{name}.sft').touch()
	return Storage.of(Settings(base=tmp_path))


@pytest.fixture
def compute() -> Compute:
	"""What a pack says of these sockets."""
	return Compute(
		parts={'NET': 'net', 'AID': 'aid'},
		carried={'TELLS': ('TELLS', 'AID')},
		beside={'AID': ('NET',)},
		steering={'AID'},
		changes={'loras': lambda path, constants, load: Touch({'x': 3}, kept=1)},
		precisions={'how': {'small': 'int8'}},
	)


def graph() -> Graph:
	"""The graph above."""

	def given(value: object) -> Link | Constant:
		return Link(NodeId(value[0]), 0) if isinstance(value, tuple) else Constant(str(value))

	return Graph(
		{
			NodeId(name): Call(kind, {key: given(value) for key, value in inputs.items()})
			for name, (kind, inputs) in GRAPH.items()
		}
	)


class TestUsed:
	def test_with_all_that_comes_along(self, storage: Storage, compute: Compute) -> None:
		"""Files, precision, changes in order; what comes along is there once, and marked as such."""
		upstream = Upstream(graph(), INFOS, compute, storage)
		path = storage.catalogue.path
		changes = upstream.used(graph().calls[NodeId('use')])[0].changes

		assert [(change.folder, change.path) for change in changes] == [('', None), ('loras', path('loras', 'l.sft'))][
			::-1
		]
		assert upstream.used(graph().calls[NodeId('use')]) == [
			Used('net', (path('checkpoints', 'a.sft'),), 'int8', changes),
			Used('aid', (path('checkpoints', 'aid.sft'),), beside=True),
			Used('net', (path('checkpoints', 'b.sft'),), beside=True),
		]
		assert upstream.steering(graph().calls[NodeId('use')]) == 2

	@pytest.mark.parametrize('name', ['one', 'both', 'first', 'a'])
	def test_what_is_handed_on_is_not_used(self, name: str, storage: Storage, compute: Compute) -> None:
		"""Nor is what goes along with it."""
		assert Upstream(graph(), INFOS, compute, storage).used(graph().calls[NodeId(name)]) == []

	def test_what_is_used_to_tell_does_not_come_along(self, storage: Storage, compute: Compute) -> None:
		"""It was used by the node that told."""
		upstream = Upstream(graph(), INFOS, compute, storage)
		[used] = upstream.used(graph().calls[NodeId('told')])

		assert used.title == 'net of b.sft'
		assert not used.beside


class TestMeasurer:
	def test_weights_with_changes(self, storage: Storage, compute: Compute) -> None:
		"""Of the base, of what is changed of it, and at least."""

		def load(load: Load) -> Weights:
			raise NotImplementedError

		loaders = Loaders()
		loaders.add('net', load, lambda load: Size(100 if load.dtype == 'int8' else 400, 10))
		measurer = Measurer(loaders, compute, Place('cpu'), exact=False)
		path = storage.catalogue.path('checkpoints', 'a.sft')
		lora = Change('loras', storage.catalogue.path('loras', 'l.sft'), ())

		assert measurer.size(Used('net', (path,))) == Size(400, 10)
		assert measurer.size(Used('net', (path,), 'int8', (lora,))) == Size(103, 14)
		assert measurer.size(Used('net', (path,), 'int8', (Change('', None, ()),))) == Size(200, 20)
		assert measurer.size(Used('net', (path.with_name('gone.sft'),))) == Size(0)
