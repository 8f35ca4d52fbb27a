from engine.events import AnyEvent, NodeFinished, NodeStarted
from tests.engine.tools import SUM, Bench, Nodes, graph, told


class TestCaching:
	def test_a_second_run_calls_nothing(self, bench: Bench, calls: list[str]) -> None:
		"""What has its key in the cache is not computed, and the sink tells again that it has its results."""
		bench.run(graph(SUM))
		calls.clear()
		bench.events.clear()
		outcome = bench.run(graph(SUM))

		assert calls == []
		assert outcome.state == 'succeeded'
		assert outcome.executed == ('see',)
		assert told(bench.events) == ['cached [one two sum see] pending []', 'again see']

	def test_only_what_changed_runs(self, bench: Bench, calls: list[str]) -> None:
		"""The changed node and what reads it; the others give their values from the cache."""
		bench.run(graph(SUM))
		calls.clear()
		bench.events.clear()
		bench.run(graph({**SUM, 'two': ('Number', {'value': 5})}))

		assert calls == ['two', 'sum', 'see']
		assert told(bench.events)[0] == 'cached [one] pending [two sum see]'

	def test_renumbering_runs_nothing(self, bench: Bench, calls: list[str]) -> None:
		"""Keys do not know ids, so a graph saved by another editor is no new one."""
		bench.run(graph(SUM))
		calls.clear()
		renamed: Nodes = {'1': SUM['one'], '2': SUM['two'], '3': ('Add', {'a': ('1', 0), 'b': ('2', 0)})}
		bench.run(graph({**renamed, '4': ('See', {'value': ('3', 0)})}))

		assert calls == []

	def test_a_new_sink_takes_what_is_there(self, bench: Bench, calls: list[str]) -> None:
		"""Values of the earlier run feed a node that was added."""
		bench.run(graph(SUM))
		calls.clear()
		bench.events.clear()
		bench.run(graph({**SUM, 'more': ('Add', {'a': ('sum', 0), 'b': 10}), 'end': ('See', {'value': ('more', 0)})}))

		assert calls == ['more', 'end']
		assert told(bench.events)[1:] == ['again see', 'start more', 'finish more', 'start end', 'finish end']

	def test_a_cached_sink_shows_its_picture_again(self, bench: Bench, calls: list[str]) -> None:
		"""It is not called, so no second file is written, and its ui is the first one's."""
		asked = graph({'save': ('Save', {'value': 1})})
		bench.run(asked)
		bench.run(asked)
		first, again = (event for event in bench.events if isinstance(event, NodeFinished))

		assert calls == ['save']
		assert not first.cached
		assert again.cached
		assert first.ui is not None
		assert again.ui == first.ui
		assert [path.name for path in bench.storage.files.root('output').iterdir()] == ['picture_00001_.png']

	def test_equal_nodes_of_one_graph_run_once(self, bench: Bench, calls: list[str]) -> None:
		"""Two sinks that would save the same picture save one file and both show it; equal inner nodes run once."""
		bench.run(
			graph(
				{
					'one': ('Number', {'value': 1}),
					'uno': ('Number', {'value': 1}),
					'sum': ('Add', {'a': ('one', 0), 'b': ('uno', 0)}),
					'save': ('Save', {'value': ('sum', 0)}),
					'again': ('Save', {'value': ('sum', 0)}),
				}
			)
		)
		finished = [event for event in bench.events if isinstance(event, NodeFinished)]
		shown = {event.node: event.ui for event in finished}

		assert calls == ['one', 'sum', 'save']
		assert [event.node for event in finished if event.cached] == ['uno', 'again']
		assert shown['save'] is not None
		assert shown['again'] == shown['save']
		assert [path.name for path in bench.storage.files.root('output').iterdir()] == ['picture_00001_.png']

	def test_a_cached_sink_shows_its_picture_though_the_cache_forgets_it(self, bench: Bench) -> None:
		"""What was decided to be cached is held until it is told, whatever the job itself pushes out."""
		saved = {'save': ('Save', {'value': 1})}
		bench.run(graph(saved))
		bench.events.clear()

		def forget(event: AnyEvent) -> None:
			if isinstance(event, NodeStarted):
				bench.cache.clear()

		bench.on_event = forget
		bench.run(graph({'first': ('See', {'value': 9}), **saved}))
		shown = {event.node: event.ui for event in bench.events if isinstance(event, NodeFinished)}

		assert shown['save'] is not None

	def test_an_unselected_sink_does_not_run(self, bench: Bench, calls: list[str]) -> None:
		"""Only what the selected sinks need runs, and only they tell."""
		asked = graph({**SUM, 'other': ('See', {'value': ('one', 0)})})
		bench.run(asked)
		calls.clear()
		bench.events.clear()
		outcome = bench.run(asked, sinks=['other'])

		assert calls == []
		assert outcome.executed == ('other',)
		assert told(bench.events)[1:] == ['again other']
