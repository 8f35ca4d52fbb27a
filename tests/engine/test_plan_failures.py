from pathlib import Path

import pytest

from engine.errors import DependencyCycle, NodeFailed
from engine.graph import Call, Graph, NodeId
from engine.plan import make_plan
from tests.engine.test_plan import read_file
from tests.engine.tools import Bench, graph


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""A node that depends on a file, and those of the test pack."""
	return Bench(tmp_path, read_file)


class TestFailingFingerprints:
	def test_the_node_is_named(self, bench: Bench) -> None:
		"""A file that has gone fails the node that wants it, before anything runs."""
		asked = graph({'r': ('ReadFile', {'name': 'gone.txt'}), 'see': ('See', {'value': ('r', 0)})})

		with pytest.raises(NodeFailed, match=r"'r' \(ReadFile\) failed: There is no file 'gone.txt'") as caught:
			bench.plan(asked)
		assert (caught.value.node, caught.value.kind) == ('r', 'ReadFile')


class TestUnsoundGraphs:
	"""What the checker would refuse, and an expansion may bring."""

	def test_an_unknown_kind(self, bench: Bench) -> None:
		"""The node that has it is named."""
		asked = Graph({NodeId('x'): Call('Nobody', {})})

		with pytest.raises(NodeFailed, match=r"'x' \(Nobody\) failed: There is no node kind 'Nobody'"):
			make_plan(asked, bench.registry, bench.storage, [NodeId('x')])

	def test_a_link_to_nowhere(self, bench: Bench) -> None:
		"""With the input, and the node that is missing."""
		asked = graph({'see': ('See', {'value': ('gone', 0)})})

		with pytest.raises(NodeFailed, match=r"Input 'value' links to node 'gone', which does not exist"):
			make_plan(asked, bench.registry, bench.storage, [NodeId('see')])

	def test_a_circle(self, bench: Bench) -> None:
		"""Some node of it is named; nothing runs for ever."""
		asked = graph(
			{
				'a': ('Add', {'a': ('b', 0)}),
				'b': ('Add', {'a': ('a', 0)}),
				'see': ('See', {'value': ('b', 0)}),
			}
		)

		with pytest.raises(DependencyCycle) as caught:
			make_plan(asked, bench.registry, bench.storage, [NodeId('see')])
		assert caught.value.node in ('a', 'b')
