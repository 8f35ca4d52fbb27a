import gc
import threading
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.errors import JobCancelled, NodeUsage
from engine.events import AnyEvent, Event, JobFinished, NodeFinished, NodeProgress, NodesCached, NodeStarted
from engine.graph import NodeId
from engine.sockets import socket
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, chain, graph

SUM: Nodes = {
	'one': ('Number', {'value': 1}),
	'two': ('Number', {'value': 2}),
	'sum': ('Add', {'a': ('one', 0), 'b': ('two', 0)}),
	'see': ('See', {'value': ('sum', 0)}),
}
BROKEN: Nodes = {
	'one': ('Number', {'value': 1}),
	'bad': ('Fail', {'value': ('one', 0)}),
	'see': ('See', {'value': ('bad', 0)}),
}
WAITING: Nodes = {
	'one': ('Number', {'value': 1}),
	'wait': ('Wait', {'value': ('one', 0)}),
	'see': ('See', {'value': ('wait', 0)}),
}


@socket('THING')
class Thing:
	"""Something that can be watched being let go."""

	def __init__(self, size: int = 0) -> None:
		self.nbytes = size

	def __str__(self) -> str:
		return 'a thing ' * 1000


class Two(NamedTuple):
	a: int
	b: int


def told(events: list[AnyEvent]) -> list[str]:
	"""Events as words."""
	words = []
	for event in events:
		match event:
			case NodesCached():
				words.append(f'cached [{" ".join(event.nodes)}] pending [{" ".join(event.pending)}]')
			case NodeStarted():
				words.append(f'start {event.node}')
			case NodeProgress():
				words.append(f'progress {event.node} {event.done}/{event.total}')
			case NodeFinished():
				words.append(f'{"again" if event.cached else "finish"} {event.node}')
	return words


class TestOutcome:
	def test_a_run_succeeds(self, bench: Bench, calls: list[str]) -> None:
		"""Every step runs once, dependencies first, and the values arrive."""
		outcome = bench.run(graph(SUM))

		assert outcome.state == 'succeeded'
		assert outcome.failure is None
		assert list(outcome.executed) == calls
		assert sorted(calls) == ['one', 'see', 'sum', 'two']
		assert calls[2:] == ['sum', 'see']

	def test_values_arrive_where_they_are_linked(self, tmp_path: Path) -> None:
		"""Outputs by number, constants and defaults all reach the function."""
		seen: list[object] = []

		@node(category='test', sink=True)
		def watch(a: int, b: int, c: float, d: str = 'default') -> None:
			seen.extend([a, b, c, d])

		bench = Bench(tmp_path, watch)
		bench.run(
			graph(
				{
					'div': ('Divide', {'value': 17, 'by': '5'}),
					'w': ('Watch', {'a': ('div', 1), 'b': ('div', 0), 'c': 7}),
				}
			)
		)

		assert seen == [2, 3, 7.0, 'default']
		assert isinstance(seen[2], float)

	def test_the_outcome_is_not_published(self, bench: Bench) -> None:
		"""Who runs the executor tells the end."""
		outcome = bench.run(graph(SUM))

		assert isinstance(outcome, JobFinished)
		assert not any(isinstance(event, JobFinished) for event in bench.events)

	def test_a_diamond_is_shared(self, bench: Bench, calls: list[str]) -> None:
		"""A step that two read runs once."""
		bench.run(
			graph(
				{
					'one': ('Number', {'value': 1}),
					'left': ('Add', {'a': ('one', 0), 'b': 1}),
					'right': ('Add', {'a': ('one', 0), 'b': 2}),
					'see': ('Divide', {'value': ('left', 0), 'by': ('right', 0)}),
					'end': ('See', {'value': ('see', 1)}),
				}
			)
		)

		assert sorted(calls) == ['end', 'left', 'one', 'right', 'see']

	def test_a_long_chain(self, bench: Bench, calls: list[str]) -> None:
		"""Thousands of steps one after the other need no recursion."""
		outcome = bench.run(chain(2000))

		assert outcome.state == 'succeeded'
		assert calls == [str(index) for index in range(2000)]


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


class TestEvents:
	def test_their_order(self, bench: Bench) -> None:
		"""The plan, then for each step start, progress and finish, nothing beside."""

		bench.run(graph(SUM))

		assert told(bench.events) == [
			'cached [] pending [one two sum see]',
			'start one',
			'finish one',
			'start two',
			'finish two',
			'start sum',
			'finish sum',
			'start see',
			'finish see',
		]
		assert {event.job for event in bench.events} == {'job'}

	def test_progress_stands_within_its_step(self, tmp_path: Path) -> None:
		"""What a node tells on its way comes after its start and before its finish."""

		@node(category='test', sink=True)
		def count(context: Context) -> None:
			for done in (1, 2):
				context.progress(done, 2, phase='counting')

		bench = Bench(tmp_path, count)
		bench.run(graph({'c': ('Count', {})}))

		assert told(bench.events)[1:] == ['start c', 'progress c 1/2', 'progress c 2/2', 'finish c']


class TestFailures:
	def test_the_cause_is_told(self, bench: Bench) -> None:
		"""Message, type, place in the code and what the node was given."""
		outcome = bench.run(graph(BROKEN))
		failure = outcome.failure

		assert outcome.state == 'failed'
		assert (outcome.node, outcome.kind) == ('bad', 'Fail')
		assert outcome.executed == ('one',)
		assert failure is not None
		assert failure.message == 'cannot use 1'
		assert failure.exception_type == 'RuntimeError'
		assert (failure.node, failure.kind) == ('bad', 'Fail')
		assert failure.inputs == {'value': [1]}
		assert 'in fail' in failure.traceback[-1]
		assert 'pack.py' in failure.traceback[-1]

	def test_nothing_after_it_runs(self, bench: Bench, calls: list[str]) -> None:
		"""The failing node starts and does not finish; what reads it does not start."""
		bench.run(graph(BROKEN))

		assert calls == ['one', 'bad']
		assert told(bench.events)[-1] == 'start bad'

	def test_what_was_finished_stays_cached(self, bench: Bench, calls: list[str]) -> None:
		"""The next try begins where this one failed; the failure itself is not cached."""
		bench.run(graph(BROKEN))
		calls.clear()
		outcome = bench.run(graph(BROKEN))

		assert calls == ['bad']
		assert outcome.state == 'failed'
		assert outcome.executed == ()

	def test_large_inputs_are_cut(self, tmp_path: Path) -> None:
		"""A thing that tells much of itself is told shortly."""

		@node(category='test')
		def make() -> Thing:
			return Thing()

		@node(category='test', sink=True)
		def refuse(thing: Thing, count: int = 3) -> None:
			raise ValueError

		outcome = Bench(tmp_path, make, refuse).run(
			graph({'m': ('Make', {}), 'r': ('Refuse', {'thing': ('m', 0), 'count': 4})})
		)

		assert outcome.failure is not None
		assert outcome.failure.message == 'ValueError'
		assert outcome.failure.inputs == {'thing': [('a thing ' * 1000)[:300]], 'count': [4]}

	def test_an_input_that_cannot_be_told(self, tmp_path: Path) -> None:
		"""A value whose own `__str__` fails does not hide why the node failed."""

		class Mute(Thing):
			def __str__(self) -> str:
				raise ZeroDivisionError

		@node(category='test')
		def make() -> Thing:
			return Mute()

		@node(category='test', sink=True)
		def refuse(thing: Thing) -> None:
			raise ValueError('no')

		outcome = Bench(tmp_path, make, refuse).run(graph({'m': ('Make', {}), 'r': ('Refuse', {'thing': ('m', 0)})}))

		assert outcome.failure is not None
		assert outcome.failure.message == 'no'
		assert 'Mute' in str(outcome.failure.inputs['thing'])

	def test_the_type_is_told_with_its_module(self, tmp_path: Path) -> None:
		"""But for builtins."""

		@node(category='test', sink=True)
		def refuse() -> None:
			raise NodeUsage('no')

		outcome = Bench(tmp_path, refuse).run(graph({'r': ('Refuse', {})}))

		assert outcome.failure is not None
		assert outcome.failure.exception_type == 'engine.errors.NodeUsage'

	@pytest.mark.parametrize('result', [5, None, (1, 2), [1, 2]])
	def test_a_wrong_number_of_outputs(self, tmp_path: Path, result: Any) -> None:
		"""A function that does not give what it declared fails, with both numbers in the message."""

		@node(category='test')
		def short() -> Two:
			made: Two = result
			return made

		bench = Bench(tmp_path, short)
		outcome = bench.run(graph({'s': ('Short', {}), 'see': ('See', {'value': ('s', 1)})}))

		assert outcome.failure is not None
		assert outcome.failure.message == 'Short gave 1 outputs, 2 are declared.'
		assert len(bench.memory) == 0


class TestUnsendable:
	def test_text_that_is_no_unicode_is_mended(self, tmp_path: Path) -> None:
		"""An error that names a file in an old encoding can be told all the same."""

		@node(category='test', sink=True)
		def complain(name: str) -> None:
			raise ValueError(f'no such file: {name}\udcff')

		outcome = Bench(tmp_path, complain).run(graph({'it': ('Complain', {'name': 'a'})}))

		assert outcome.failure is not None
		assert outcome.failure.message == 'no such file: a?'
		assert 'no such file' in outcome.model_dump_json()


class TestCancel:
	def test_before_the_first_node(self, bench: Bench, calls: list[str]) -> None:
		"""Nothing runs."""
		cancel = CancelToken()
		cancel.cancel()
		outcome = bench.run(graph(SUM), cancel=cancel)

		assert outcome.state == 'cancelled'
		assert (outcome.node, outcome.executed) == (None, ())
		assert calls == []

	def test_while_a_node_runs(self, bench: Bench, calls: list[str]) -> None:
		"""The node that was stopped is named; what was finished stays cached."""
		cancel, began = CancelToken(), threading.Event()
		bench.on_event = lambda event: began.set() if isinstance(event, NodeProgress) else None
		outcomes: list[JobFinished] = []
		thread = threading.Thread(target=lambda: outcomes.append(bench.run(graph(WAITING), cancel=cancel)))
		thread.start()
		assert began.wait(30)
		cancel.cancel()
		thread.join(30)
		[outcome] = outcomes

		assert outcome.state == 'cancelled'
		assert (outcome.node, outcome.kind) == ('wait', 'Wait')
		assert outcome.executed == ('one',)
		assert outcome.failure is None
		assert calls == ['one', 'wait']
		assert len(bench.memory) == 1

	def test_between_two_nodes(self, tmp_path: Path, calls: list[str]) -> None:
		"""A node that does not look keeps its result; the next does not begin."""
		cancel = CancelToken()

		@node(category='test')
		def deaf() -> int:
			cancel.cancel()
			return 1

		bench = Bench(tmp_path, deaf)
		outcome = bench.run(graph({'d': ('Deaf', {}), 'see': ('See', {'value': ('d', 0)})}), cancel=cancel)

		assert outcome.state == 'cancelled'
		assert outcome.node is None
		assert outcome.executed == ('d',)
		assert len(bench.memory) == 1
		assert calls == []

	def test_a_node_that_stops_itself(self, tmp_path: Path) -> None:
		"""`JobCancelled` from a node is a stop, not a failure."""

		@node(category='test', sink=True)
		def stop() -> None:
			raise JobCancelled

		assert Bench(tmp_path, stop).run(graph({'s': ('Stop', {})})).state == 'cancelled'


class TestMemory:
	def test_a_cache_without_room_changes_nothing(self, tmp_path: Path, calls: list[str]) -> None:
		"""Values that are still needed are held whatever the cache keeps."""
		bench = Bench(tmp_path, budget=0)
		outcome = bench.run(graph(SUM))

		assert outcome.state == 'succeeded'
		assert sorted(calls) == ['one', 'see', 'sum', 'two']
		assert len(bench.memory) == 0

	def test_an_eviction_during_the_run_loses_nothing(self, tmp_path: Path) -> None:
		"""A cached value that a later step needs is held from the start, though an earlier step drives it out."""
		made: list[str] = []
		used: list[Thing] = []

		@node(category='test')
		def make(name: str) -> Thing:
			made.append(name)
			return Thing(600)

		@node(category='test', sink=True)
		def use(first: Thing, second: Thing) -> None:
			used.extend([first, second])

		bench = Bench(tmp_path, make, use, budget=1000)
		old = ('Make', {'name': 'old'})
		bench.run(graph({'old': old, 'use': ('Use', {'first': ('old', 0), 'second': ('old', 0)})}))
		assert made == ['old']
		asked: Nodes = {
			'new': ('Make', {'name': 'new'}),
			'old': old,
			'use': ('Use', {'first': ('new', 0), 'second': ('old', 0)}),
		}
		outcome = bench.run(graph(asked))

		assert outcome.state == 'succeeded'
		assert made == ['old', 'new']
		assert used[3] is used[0]
		assert used[2] is not used[0]

	def test_values_are_freed_after_their_last_reader(self, tmp_path: Path) -> None:
		"""While a later step runs, what nobody needs any more is gone."""
		things: list[weakref.ref[Thing]] = []
		alive: list[bool] = []

		@node(category='test')
		def make() -> Thing:
			thing = Thing()
			things.append(weakref.ref(thing))
			return thing

		@node(category='test')
		def use(thing: Thing, after: int = 0) -> int:
			return after + 1

		@node(category='test', sink=True)
		def look(value: int) -> None:
			gc.collect()
			alive.append(things[0]() is not None)

		@node(category='test')
		def peek(value: int) -> int:
			gc.collect()
			alive.append(things[0]() is not None)
			return value

		asked: Nodes = {
			'make': ('Make', {}),
			'first': ('Use', {'thing': ('make', 0)}),
			'between': ('Peek', {'value': ('first', 0)}),
			'second': ('Use', {'thing': ('make', 0), 'after': ('between', 0)}),
			'end': ('Look', {'value': ('second', 0)}),
		}
		outcome = Bench(tmp_path, make, use, look, peek, budget=0).run(graph(asked))

		assert outcome.state == 'succeeded'
		assert alive == [True, False]

	def test_nothing_is_held_after_the_run(self, tmp_path: Path) -> None:
		"""With no cache to keep them all values are gone, even those of a step that failed."""
		things: list[weakref.ref[Thing]] = []

		@node(category='test')
		def make() -> Thing:
			thing = Thing()
			things.append(weakref.ref(thing))
			return thing

		@node(category='test', sink=True)
		def refuse(thing: Thing) -> None:
			raise ValueError('no')

		bench = Bench(tmp_path, make, refuse, budget=0)
		outcome = bench.run(graph({'m': ('Make', {}), 'r': ('Refuse', {'thing': ('m', 0)})}))
		gc.collect()

		assert outcome.state == 'failed'
		assert [thing() for thing in things] == [None]


class TestContext:
	def test_a_node_knows_its_job_and_itself(self, tmp_path: Path) -> None:
		"""The context tells the job's id and the node's."""
		seen: list[tuple[str, str]] = []

		@node(category='test', sink=True)
		def look(context: Context) -> None:
			seen.append((context.job.id, context.node))

		bench = Bench(tmp_path, look)
		bench.executor.run(graph({'n': ('Look', {})}), [NodeId('n')], JobInfo('my job'), CancelToken())

		assert seen == [('my job', 'n')]


def test_events_are_events(bench: Bench) -> None:
	"""All that an executor tells can cross a process border."""
	bench.run(graph({'save': ('Save', {'value': 1})}))

	assert all(isinstance(event, Event) and event.model_dump_json() for event in bench.events)
