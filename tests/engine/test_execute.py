from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import JsonValue

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.errors import NodeUsage
from engine.events import Event, JobFinished, NodeStarted
from engine.graph import NodeId
from engine.sockets import socket
from engine.spec import Context, node
from engine.storage import Storage
from tests.engine.tools import SUM, Bench, Nodes, chain, graph, told

BROKEN: Nodes = {
	'one': ('Number', {'value': 1}),
	'bad': ('Fail', {'value': ('one', 0)}),
	'see': ('See', {'value': ('bad', 0)}),
}


@socket('THING')
class Thing:
	"""Something that can be watched being let go."""

	def __init__(self, size: int = 0) -> None:
		self.nbytes = size

	def __str__(self) -> str:
		return 'a thing ' * 1000


def content(storage: Storage, constants: Mapping[str, JsonValue]) -> str:
	"""What is in the file that an input names."""
	return storage.files.find(str(constants['name'])).read_text()


@node(category='test', fingerprint=content)
def count_text(context: Context, name: str) -> int:
	"""How long a file is."""
	return len(context.files.find(name).read_text())


class Two(NamedTuple):
	a: int
	b: int


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


class TestSameGraphAgain:
	"""What was planned of a graph is remembered; what it reads from outside is looked at each time."""

	def test_a_changed_file_is_read_again(self, tmp_path: Path) -> None:
		"""And what comes after it is computed, though the graph is the very same."""
		(tmp_path / 'input').mkdir()
		path = tmp_path / 'input' / 'a.txt'
		bench = Bench(tmp_path, count_text)
		asked = graph({'count': ('CountText', {'name': 'a.txt'}), 'see': ('See', {'value': ('count', 0)})})
		ran: list[tuple[str, ...]] = []
		for text in ('one', 'one', 'three'):
			path.write_text(text)
			bench.run(asked)
			ran.append(tuple(event.node for event in bench.events if isinstance(event, NodeStarted)))
			bench.events.clear()

		assert ran == [('count', 'see'), (), ('count', 'see')]
		assert bench.outputs(asked, 'count') == ((5,),)


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
