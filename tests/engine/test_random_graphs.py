from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.events import AnyEvent, NodeFinished, NodeStarted
from engine.graph import Graph
from tests.engine.random_graphs import (
	FUNCTIONS,
	TELLING,
	calls,
	descendants,
	edited,
	edits,
	expected,
	graphs,
	renamed,
	telling_graphs,
)
from tests.engine.tools import Bench

MANY = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
ALWAYS_TELLING = ('Plus', 'Several', 'Total', 'Later')


def shown(bench: Bench, graph: Graph, cancel: CancelToken | None = None) -> dict[str, list[int] | None]:
	"""Run a graph; sink → what it showed. `calls` are then those of this run."""
	calls.clear()
	bench.events.clear()
	outcome = bench.run(graph, cancel=cancel)
	assert outcome.state == ('cancelled' if cancel is not None and cancel.cancelled else 'succeeded'), outcome.failure
	found: dict[str, list[int] | None] = {}
	for event in bench.events:
		if isinstance(event, NodeFinished) and event.kind == 'Watch':
			values = event.ui.root['values'] if event.ui is not None else None
			found[event.node] = None if values is None else [value for value in values if isinstance(value, int)]
	return found


class TestRandomGraphs:
	@MANY
	@given(data=st.data())
	def test_runs_give_what_plain_evaluation_gives(self, data: st.DataObject, tmp_path: Path) -> None:
		"""Lists, lazy inputs, expansions, skips and coroutines together, in whatever order the lanes run."""
		graph = data.draw(graphs())

		assert shown(Bench(tmp_path, *FUNCTIONS), graph) == expected(graph)

	@MANY
	@given(data=st.data())
	def test_a_cached_run_equals_a_fresh_one(self, data: st.DataObject, tmp_path: Path) -> None:
		"""After any edits, what the cache gives is what a run from nothing gives."""
		graph = data.draw(graphs())
		bench = Bench(tmp_path, *FUNCTIONS)
		shown(bench, graph)
		for _ in range(data.draw(st.integers(1, 4))):
			graph = edited(graph, data.draw(edits(graph)))

			assert shown(bench, graph) == expected(graph)

	@MANY
	@given(data=st.data())
	def test_a_small_cache_gives_the_same(self, data: st.DataObject, tmp_path: Path) -> None:
		"""Entries that leave in mid-run are computed again; nobody reads what is not there."""
		graph = data.draw(graphs())
		bench = Bench(tmp_path, *FUNCTIONS, budget=data.draw(st.integers(0, 1200)))
		shown(bench, graph)
		graph = edited(graph, data.draw(edits(graph)))

		assert shown(bench, graph) == expected(graph)

	@MANY
	@given(data=st.data())
	def test_the_same_again_calls_nothing(self, data: st.DataObject, tmp_path: Path) -> None:
		"""Neither the same graph nor the same graph renumbered; sinks that were passed over are looked at again."""
		graph = data.draw(graphs())
		bench = Bench(tmp_path, *FUNCTIONS)
		first = shown(bench, graph)
		again = shown(bench, graph)

		assert again == first
		assert calls == []

		shown(bench, renamed(graph))

		assert calls == []

	@MANY
	@given(data=st.data())
	def test_only_descendants_of_a_change_run(self, data: st.DataObject, tmp_path: Path) -> None:
		"""What a change cannot reach is not called again; what was not needed before may be called now."""
		graph = data.draw(graphs())
		edit = data.draw(edits(graph))
		bench = Bench(tmp_path, *FUNCTIONS)
		shown(bench, graph)
		before = set(calls)
		shown(bench, edited(graph, edit))
		reached = descendants(graph, edit.node)
		strangers = [node for node in calls if node.partition('.')[0] not in reached and node in before]

		assert strangers == []

	@MANY
	@given(data=st.data())
	def test_all_descendants_of_a_change_that_shows_run(self, data: st.DataObject, tmp_path: Path) -> None:
		"""Where every node tells on what comes in, exactly the needed descendants of a change are called."""
		graph = data.draw(telling_graphs())
		edit = data.draw(edits(graph))
		changed = edited(graph, edit)
		needed = set(graph.closure([node for node, call in graph.calls.items() if call.kind == 'Tell']).calls)
		bench = Bench(tmp_path, *TELLING)
		bench.run(graph)
		calls.clear()
		bench.run(changed)
		reached = descendants(graph, edit.node) & needed if changed != graph else set()

		# Two sinks that show the same text are equal, and run once.
		assert {node for node in calls if node[0] != 't'} == {node for node in reached if node[0] != 't'}
		assert set(calls) <= reached

	@MANY
	@given(data=st.data())
	def test_an_interrupt_leaves_a_consistent_state(self, data: st.DataObject, tmp_path: Path) -> None:
		"""Stopped at any moment, the next run does what is left, calls nothing twice, and gives the same."""
		graph = data.draw(graphs())
		bench = Bench(tmp_path, *FUNCTIONS)
		cancel = CancelToken()
		moment = data.draw(st.integers(0, 12))

		def count(event: AnyEvent) -> None:
			if isinstance(event, NodeStarted) and sum(isinstance(one, NodeStarted) for one in bench.events) > moment:
				cancel.cancel()

		bench.on_event = count
		shown(bench, graph, cancel)
		finished = {event.node for event in bench.events if isinstance(event, NodeFinished) and event.ui is None}
		bench.on_event = lambda event: None

		assert shown(bench, graph) == expected(graph)
		assert not finished & set(calls) & {node for node, call in graph.calls.items() if call.kind in ALWAYS_TELLING}
