from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import JsonValue

from engine.cache import CacheKey
from engine.flow import Lazy
from engine.graph import Call, Graph, NodeId
from engine.live import LiveGraph
from engine.plan import Plan, Planner, make_plan
from engine.registry import Registry
from engine.spec import node, spec_of
from engine.storage import Storage
from tests.engine.tools import SUM, Bench, Nodes, chain, graph, ladder


def state(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
	"""The content of the file that an input names."""
	return storage.files.find(str(constants['name'])).read_text()


@node(category='test', fingerprint=state)
def read_file(name: str) -> int:
	return 1


@node(category='test', hidden=('unique_id',))
def remember(value: int) -> int:
	return value


@node(category='test', hidden=('prompt', 'extra_pnginfo'))
def annotate(value: int) -> int:
	return value


@node(category='test', caching='never')
def clock() -> int:
	return 1


@node(category='test', caching='identity')
def own(value: int) -> int:
	return value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes that depend on a file, on their own id, and on neither."""
	return Bench(tmp_path, read_file, remember, annotate, clock, own)


def key(bench: Bench, nodes: Nodes, of: str = 'sum') -> CacheKey:
	"""The key of one step."""
	return bench.plan(graph(nodes)).steps[NodeId(of)].key


def keys(bench: Bench, asked: Graph) -> list[CacheKey]:
	"""The keys of all steps."""
	return [step.key for step in bench.plan(asked).steps.values()]


def keys_of(plan: Plan) -> list[CacheKey]:
	"""The keys of a plan's steps."""
	return [step.key for step in plan.steps.values()]


class TestKeysThatStay:
	def test_ids_do_not_matter(self, bench: Bench) -> None:
		"""A renumbered graph is the same."""
		renumbered: Nodes = {
			'7': ('Number', {'value': 1}),
			'8': ('Number', {'value': 2}),
			'9': ('Add', {'a': ('7', 0), 'b': ('8', 0)}),
			'10': ('See', {'value': ('9', 0)}),
		}

		assert key(bench, renumbered, '9') == key(bench, SUM)
		assert key(bench, renumbered, '10') == key(bench, SUM, 'see')

	def test_order_does_not_matter(self, bench: Bench) -> None:
		"""Neither the order of the nodes nor that of their inputs enters a key."""
		turned = dict(reversed({**SUM, 'sum': ('Add', {'b': ('two', 0), 'a': ('one', 0)})}.items()))

		assert key(bench, turned) == key(bench, SUM)

	def test_titles_do_not_matter(self, bench: Bench) -> None:
		"""A node may be renamed on the canvas."""
		asked = graph(SUM)
		titled = Graph({node: Call(call.kind, call.inputs, f'My {node}') for node, call in asked.calls.items()})

		assert keys(bench, titled) == keys(bench, asked)

	def test_equal_constants_are_one(self, bench: Bench) -> None:
		"""What is brought into the same normal form has the same key."""
		assert key(bench, {**SUM, 'one': ('Number', {'value': '1'})}) == key(bench, SUM)

	def test_what_a_node_merely_writes_down_does_not_matter(self, bench: Bench) -> None:
		"""Seeing the prompt does not change what a node computes."""
		first, second = (
			key(bench, {id: ('Annotate', {'value': 1}), 'see': ('See', {'value': (id, 0)})}, id) for id in ('a', 'b')
		)

		assert first == second


class TestKeysThatChange:
	def test_a_constant(self, bench: Bench) -> None:
		"""Another constant gives another key, here and downstream, and nowhere else."""
		changed = {**SUM, 'one': ('Number', {'value': 3})}

		assert key(bench, changed, 'one') != key(bench, SUM, 'one')
		assert key(bench, changed, 'see') != key(bench, SUM, 'see')
		assert key(bench, changed, 'two') == key(bench, SUM, 'two')

	def test_the_upstream(self, bench: Bench) -> None:
		"""Which input takes what matters, and so does a constant in place of a link."""
		crossed = {**SUM, 'sum': ('Add', {'a': ('two', 0), 'b': ('one', 0)})}
		typed = {**SUM, 'sum': ('Add', {'a': 1, 'b': ('two', 0)})}

		assert len({key(bench, SUM), key(bench, crossed), key(bench, typed)}) == 3

	def test_the_output_taken(self, bench: Bench) -> None:
		"""Two outputs of one node are different values."""
		first, second = (
			key(bench, {'d': ('Divide', {'value': 7, 'by': 2}), 'see': ('See', {'value': ('d', output)})}, 'see')
			for output in (0, 1)
		)

		assert first != second

	def test_an_omitted_input(self, bench: Bench) -> None:
		"""Left out is not the same as given, even when the default is given: the function decides what it means."""
		assert key(bench, {**SUM, 'sum': ('Add', {'a': 1})}) != key(bench, {**SUM, 'sum': ('Add', {'a': 1, 'b': 0})})

	def test_the_kind_and_version(self, bench: Bench, tmp_path: Path) -> None:
		"""Other code gives another key when its author says so."""

		@node(kind='Add', category='test', version='2')
		def newer(a: int, b: int = 0) -> int:
			return a - b

		other = Bench(tmp_path)
		specs = {kind: spec for kind, spec in other.registry.items() if kind != 'Add'}
		other.registry = type(other.registry)()
		for spec in specs.values():
			other.registry.add(spec, origin='pack')
		other.registry.add(getattr(newer, '__node__'), origin='pack')  # noqa: B009 - mypy knows no such attribute

		assert key(other, SUM) != key(bench, SUM)
		assert key(other, SUM, 'one') == key(bench, SUM, 'one')

	def test_the_state_outside(self, bench: Bench) -> None:
		"""A file that changed under the same name is another value."""
		nodes: Nodes = {'sum': ('ReadFile', {'name': 'a.txt'}), 'see': ('See', {'value': ('sum', 0)})}
		path = bench.storage.files.path('a.txt', 'input')
		path.parent.mkdir()
		path.write_text('before')
		before, same = key(bench, nodes), key(bench, nodes)
		path.write_text('after')

		assert before == same
		assert key(bench, nodes) != before

	def test_its_own_id_for_a_node_that_sees_it(self, bench: Bench) -> None:
		"""A node that declares `unique_id` is not shared between places."""
		first, second = (
			key(bench, {id: ('Remember', {'value': 1}), 'see': ('See', {'value': (id, 0)})}, id) for id in ('a', 'b')
		)

		assert first != second


class TestEarlierSteps:
	"""Steps that were made of the same graph before."""

	def again(self, bench: Bench, asked: Graph, earlier: Plan) -> Plan:
		planner = Planner(LiveGraph(asked), bench.registry, bench.storage, earlier=earlier.steps)
		return planner.plan(earlier.sinks)

	def test_are_taken_as_they_are(self, bench: Bench) -> None:
		"""Where nothing is another, nothing is made anew."""
		asked = graph(SUM)
		earlier = bench.plan(asked)
		plan = self.again(bench, asked, earlier)

		assert plan.sinks == earlier.sinks
		assert list(plan.steps) == list(earlier.steps)
		assert all(step is earlier.steps[node] for node, step in plan.steps.items())

	def test_not_behind_a_file_that_changed(self, bench: Bench) -> None:
		"""What reads it, and what comes after, gets the key that a plan from nothing gives."""
		asked = graph(
			{
				'file': ('ReadFile', {'name': 'a.txt'}),
				'one': ('Number', {'value': 1}),
				'sum': ('Add', {'a': ('file', 0), 'b': ('one', 0)}),
				'see': ('See', {'value': ('sum', 0)}),
			}
		)
		path = bench.storage.files.path('a.txt', 'input')
		path.parent.mkdir()
		path.write_text('before')
		earlier = bench.plan(asked)
		same = self.again(bench, asked, earlier)
		path.write_text('after')
		changed = self.again(bench, asked, earlier)

		assert keys_of(same) == keys_of(earlier)
		assert keys_of(changed) == keys(bench, asked)
		assert {node for node, step in changed.steps.items() if step.key != earlier.steps[node].key} == {
			'file',
			'sum',
			'see',
		}

	def test_not_of_a_node_that_is_never_the_same(self, bench: Bench) -> None:
		"""Its key is like no other, each time."""
		asked = graph({'sum': ('Clock', {}), 'see': ('See', {'value': ('sum', 0)})})
		earlier = bench.plan(asked)

		assert set(keys_of(self.again(bench, asked, earlier))).isdisjoint(keys_of(earlier))

	def test_not_of_a_kind_that_was_registered_anew(self, bench: Bench) -> None:
		"""Other code behind the same name is another kind, and what comes after it is planned anew."""

		@node(kind='Number', category='test', version='2')
		def newer(value: int) -> int:
			return value + 1

		asked = graph(SUM)
		earlier = bench.plan(asked)
		other = Registry()
		for kind, spec in bench.registry.items():
			if kind != 'Number':
				other.add(spec, origin='pack')
		replacement = spec_of(newer)
		assert replacement is not None
		other.add(replacement, origin='pack')
		bench.registry = other

		assert keys_of(self.again(bench, asked, earlier)) == keys(bench, asked)
		assert set(keys(bench, asked)).isdisjoint(keys_of(earlier))


class TestOrder:
	def test_dependencies_come_first(self, bench: Bench) -> None:
		"""A step stands behind all that it needs, and a shared one stands once."""
		asked = graph(
			{
				'see': ('See', {'value': ('sum', 0)}),
				'sum': ('Add', {'a': ('left', 0), 'b': ('right', 0)}),
				'left': ('Add', {'a': ('one', 0), 'b': 1}),
				'right': ('Add', {'a': ('one', 0), 'b': 2}),
				'one': ('Number', {'value': 1}),
			}
		)
		order = list(bench.plan(asked).steps)

		assert sorted(order) == ['left', 'one', 'right', 'see', 'sum']
		assert order[0] == 'one'
		assert order[-2:] == ['sum', 'see']

	def test_only_what_the_sinks_need(self, bench: Bench) -> None:
		"""Nodes that feed no sink are not planned."""
		plan = bench.plan(graph({**SUM, 'loose': ('Number', {'value': 5})}))

		assert 'loose' not in plan.steps
		assert plan.sinks == ('see',)

	def test_undeclared_links_are_not_followed(self, bench: Bench) -> None:
		"""A tolerant check lets pass a link that no input declares, even one to a node that is not there."""
		asked = graph({'see': ('See', {'value': 1, 'extra': ('gone', 0)})})
		checked = bench.check(asked, tolerant=True)
		plan = make_plan(checked.graph, bench.registry, bench.storage, checked.sinks)

		assert checked.problems == ()
		assert list(plan.steps) == ['see']
		assert plan.steps[NodeId('see')].inputs.keys() == {'value'}


class TestPendingSteps:
	def test_everything_without_a_cache(self, bench: Bench) -> None:
		"""With nothing cached all steps are pending."""
		plan = bench.plan(graph(SUM))

		assert plan.pending(lambda key: False) == tuple(plan.steps.values())

	def test_the_walk_stops_at_what_is_cached(self, bench: Bench) -> None:
		"""What only a cached step needs does not run, cached itself or not."""
		plan = bench.plan(graph(SUM))
		pending = plan.pending({key(bench, SUM)}.__contains__)

		assert [step.node for step in pending] == ['see']

	def test_nothing_when_the_sinks_are_cached(self, bench: Bench) -> None:
		"""A cached sink needs nothing."""
		assert bench.plan(graph(SUM)).pending({key(bench, SUM, 'see')}.__contains__) == ()

	def test_a_shared_step_is_pending_for_whoever_needs_it(self, bench: Bench) -> None:
		"""One reader being cached does not spare what the other reads."""
		nodes: Nodes = {
			'one': ('Number', {'value': 1}),
			'left': ('See', {'value': ('one', 0)}),
			'sum': ('Add', {'a': ('one', 0)}),
			'right': ('See', {'value': ('sum', 0)}),
		}
		pending = bench.plan(graph(nodes)).pending({key(bench, nodes, 'left')}.__contains__)

		assert [step.node for step in pending] == ['one', 'sum', 'right']

	def test_ten_thousand_steps(self, bench: Bench) -> None:
		"""A long chain is planned and walked without recursion."""
		plan = bench.plan(chain(10_000))

		assert list(plan.steps) == [str(index) for index in range(10_000)]
		assert len(plan.pending({plan.steps[NodeId('4999')].key}.__contains__)) == 5000

	def test_readers_before_their_sources(self, bench: Bench) -> None:
		"""A long chain that is written backwards is planned all the same, without recursion."""
		asked = chain(10_000)
		backwards = Graph(dict(reversed(list(asked.calls.items()))))

		assert list(bench.plan(backwards).steps) == list(bench.plan(asked).steps)

	def test_lazy_inputs_are_not_pending(self, tmp_path: Path) -> None:
		"""What is only linked lazily is planned, and not counted as what will run."""

		@node(category='test')
		def choose(first: bool, a: Lazy[int], b: Lazy[int]) -> int:
			return a.get() if first else b.get()

		plan = Bench(tmp_path, choose).plan(
			graph(
				{
					'one': ('Number', {'value': 1}),
					'choose': ('Choose', {'first': True, 'a': ('one', 0), 'b': ('one', 0)}),
					'see': ('See', {'value': ('choose', 0)}),
				}
			)
		)

		assert [step.node for step in plan.pending(lambda key: False)] == ['choose', 'see']
		assert plan.steps[NodeId('choose')].lazy == ('one', 'one')

	def test_a_ladder_of_diamonds(self, bench: Bench) -> None:
		"""Each step is visited once, though the ways to it double at every rung."""
		plan = bench.plan(ladder(60))

		assert len(plan.pending(lambda key: False)) == 61


class TestCacheability:
	def test_a_kind_that_is_never_cached(self, bench: Bench) -> None:
		"""Its key is like no other, and so are those of what reads it."""
		nodes: Nodes = {'clock': ('Clock', {}), 'see': ('See', {'value': ('clock', 0)})}
		first, second = bench.plan(graph(nodes)), bench.plan(graph(nodes))

		assert not first.steps[NodeId('clock')].cacheable
		assert first.steps[NodeId('see')].cacheable
		assert not set(keys_of(first)) & set(keys_of(second))

	def test_by_identity(self, bench: Bench) -> None:
		"""The same node is the same again; an equal one at another place is not."""
		nodes: Nodes = {'a': ('Own', {'value': 1}), 'b': ('Own', {'value': 1})}
		asked: Nodes = {**nodes, 'sum': ('Add', {'a': ('a', 0), 'b': ('b', 0)}), 'see': ('See', {'value': ('sum', 0)})}

		assert key(bench, asked, 'a') == key(bench, asked, 'a')
		assert key(bench, asked, 'a') != key(bench, asked, 'b')

	def test_another_profile(self, bench: Bench) -> None:
		"""Results of another device are others."""
		checked = bench.check(graph(SUM))
		here, there = (
			make_plan(checked.graph, bench.registry, bench.storage, checked.sinks, profile=profile)
			for profile in ('cpu', 'cuda')
		)

		assert not set(keys_of(here)) & set(keys_of(there))

	def test_what_is_saved_without_its_workflow(self, bench: Bench) -> None:
		"""A picture with it does not stand for one without; what it is made from stays the same."""
		usual = bench.plan(graph(SUM)).steps
		bench.storage.files.metadata = False
		bare = bench.plan(graph(SUM)).steps

		assert usual[NodeId('see')].key != bare[NodeId('see')].key
		assert usual[NodeId('sum')].key == bare[NodeId('sum')].key

	def test_other_sources_of_the_pack(self, bench: Bench) -> None:
		"""A digest of the code counts like a version."""
		before = key(bench, SUM)
		spec = bench.registry['Add']
		bench.registry.replace(replace(spec, info=spec.info.model_copy(update={'code': 'abc'})), origin='pack')

		assert key(bench, SUM) != before
