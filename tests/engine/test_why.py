from dataclasses import replace
from pathlib import Path

import pytest

from engine.events import Given, InputChange, Why
from engine.report import Reports
from engine.settings import Settings
from engine.spec import node
from tests.engine.test_plan import state
from tests.engine.tools import SUM, Bench, Nodes, graph


@node(category='test', fingerprint=state)
def read_file(name: str) -> int:
	return len(name)


@node(category='test', caching='never')
def clock() -> int:
	return 1


@node(category='test', fingerprint=lambda storage, constants: None)
def changing() -> int:
	return 1


@node(category='test')
def six(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
	return a


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes that depend on a file, and nodes that are never the same."""
	return Bench(tmp_path, read_file, clock, changing, six)


def codes(bench: Bench, *nodes: str) -> dict[str, str | None]:
	"""Node → the code of the reason that was told last."""
	return {node: why.code if (why := bench.why(node)) is not None else None for node in nodes}


def changed(name: str, before: Given | None, after: Given | None, text: str) -> Why:
	"""The reason that a single input changed."""
	return Why(code='input_changed', changes=(InputChange(input=name, before=before, after=after),), text=text)


def constant(value: str) -> Given:
	return Given(constant=value)


TWO_CHANGED = changed('value', constant('2'), constant('5'), "input 'value' changed from 2 to 5")


class TestReasons:
	def test_first_time(self, bench: Bench) -> None:
		"""Nothing is known of a node of this id and kind."""
		bench.run(graph(SUM))

		assert codes(bench, 'one', 'sum', 'see') == dict.fromkeys(('one', 'sum', 'see'), 'first_time')

	def test_an_input_changed(self, bench: Bench) -> None:
		"""From what to what; what comes behind it is told the upstream that changed."""
		bench.run(graph(SUM))
		bench.run(graph({**SUM, 'two': ('Number', {'value': 5})}))

		assert bench.why('two') == TWO_CHANGED
		assert bench.why('sum') == Why(code='upstream_changed', nodes=('two',), text='upstream two changed')

	def test_a_link_changed(self, bench: Bench) -> None:
		"""Which output it was, and which it is now."""
		bench.run(graph(SUM))
		bench.run(graph({**SUM, 'sum': ('Add', {'a': ('two', 0), 'b': ('two', 0)})}))

		assert bench.why('sum') == changed(
			'a', Given(node='one'), Given(node='two'), "input 'a' changed from output 0 of one to output 0 of two"
		)

	def test_inputs_come_and_go(self, bench: Bench) -> None:
		"""An optional input is given, or no longer."""
		bench.run(graph({'add': ('Add', {'a': 1}), 'see': ('See', {'value': ('add', 0)})}))
		bench.run(graph({'add': ('Add', {'a': 1, 'b': 2}), 'see': ('See', {'value': ('add', 0)})}))

		assert bench.why('add') == changed('b', None, constant('2'), "input 'b' is now given: 2")

	def test_a_long_text_is_cut(self, bench: Bench) -> None:
		"""Two long texts that begin alike are told apart."""
		for end in 'xy':
			text = 'word ' * 50 + end
			bench.run(graph({'m': ('Measure', {'text': text}), 'see': ('See', {'value': ('m', 0)})}))
		why = bench.why('m')

		assert why is not None
		assert why.code == 'input_changed'
		assert len(why.text) < 200

	def test_the_outside_changed(self, bench: Bench) -> None:
		"""A file of the same name holds something else."""
		nodes: Nodes = {'read': ('ReadFile', {'name': 'a.txt'}), 'see': ('See', {'value': ('read', 0)})}
		path = bench.storage.files.path('a.txt', 'input')
		path.parent.mkdir()
		path.write_text('before')
		bench.run(graph(nodes))
		path.write_text('after')
		bench.run(graph(nodes))

		assert codes(bench, 'read') == {'read': 'fingerprint_changed'}

	def test_the_code_changed(self, bench: Bench) -> None:
		"""Another version of the kind; nothing else of the graph is touched."""
		bench.run(graph(SUM))
		spec = bench.registry['Add']
		newer = replace(spec, info=spec.info.model_copy(update={'version': '2'}))
		bench.registry.replace(newer, origin='pack')
		bench.run(graph(SUM))

		assert bench.why('sum') == Why(code='version_changed', versions=('1', '2'), text='version 1 became 2')
		assert codes(bench, 'one', 'see') == {'one': 'first_time', 'see': 'same_inputs'}

	def test_evicted(self, bench: Bench) -> None:
		"""It ran before, and its result is no longer kept."""
		bench.run(graph(SUM))
		bench.cache.clear()
		bench.run(graph(SUM))

		assert codes(bench, 'one', 'sum') == {'one': 'evicted', 'sum': 'evicted'}

	@pytest.mark.parametrize(('kind', 'cause'), [('Clock', 'kind'), ('Changing', 'fingerprint')])
	def test_not_cacheable(self, bench: Bench, kind: str, cause: str) -> None:
		"""A kind that is never cached, or whose fingerprint is never the same."""
		nodes: Nodes = {'c': (kind, {}), 'see': ('See', {'value': ('c', 0)})}
		bench.run(graph(nodes))
		bench.run(graph(nodes))

		assert codes(bench, 'c', 'see') == {'c': 'not_cacheable', 'see': 'same_inputs'}
		assert (why := bench.why('c')) is not None
		assert why.cause == cause

	def test_cached(self, bench: Bench) -> None:
		"""A sink that tells again what it showed."""
		bench.run(graph(SUM))
		bench.run(graph(SUM))

		assert codes(bench, 'see') == {'see': 'cached'}

	def test_an_equal_node_has_it(self, bench: Bench) -> None:
		"""Of two equal nodes one runs, and the other says so."""
		bench.run(graph({**SUM, 'two': ('Number', {'value': 1})}))

		assert codes(bench, 'one', 'two') == {'one': 'first_time', 'two': 'twin'}

	def test_an_input_is_no_longer_given(self, bench: Bench) -> None:
		"""Left out is a change too."""
		bench.run(graph({'add': ('Add', {'a': 1, 'b': 2}), 'see': ('See', {'value': ('add', 0)})}))
		bench.run(graph({'add': ('Add', {'a': 1}), 'see': ('See', {'value': ('add', 0)})}))

		assert bench.why('add') == changed('b', constant('2'), None, "input 'b' is no longer given")

	def test_many_changes_are_counted(self, bench: Bench) -> None:
		"""The first four are told."""
		names = ('a', 'b', 'c', 'd', 'e', 'f')
		for value in (1, 2):
			bench.run(graph({'six': ('Six', dict.fromkeys(names, value)), 'see': ('See', {'value': ('six', 0)})}))
		why = bench.why('six')

		assert why is not None
		assert why.text.count('changed from 1 to 2') == 4
		assert why.text.endswith(' and 2 more')
		assert ([change.input for change in why.changes], why.more) == (['a', 'b', 'c', 'd'], 2)


class TestAcrossProcesses:
	def test_an_earlier_process_is_remembered(self, tmp_path: Path) -> None:
		"""By the report that it left."""
		settings = Settings(base=tmp_path)
		reports = Reports(settings.cache_folder / 'runs')
		Bench(tmp_path, reports=reports).run(graph(SUM))
		later = Bench(tmp_path, reports=reports)
		later.run(graph({**SUM, 'two': ('Number', {'value': 5})}))

		assert later.why('two') == TWO_CHANGED
		assert codes(later, 'one') == {'one': 'evicted'}

	def test_a_run_in_which_all_was_cached_hides_nothing(self, tmp_path: Path) -> None:
		"""Its report tells no inputs; those of the run before still count."""
		reports = Reports(tmp_path / 'runs')
		bench = Bench(tmp_path, reports=reports)
		bench.run(graph(SUM))
		bench.run(graph(SUM))
		later = Bench(tmp_path, reports=reports)
		later.run(graph({**SUM, 'two': ('Number', {'value': 5})}))

		assert codes(later, 'two') == {'two': 'input_changed'}

	def test_under_other_settings(self, tmp_path: Path) -> None:
		"""The same step under another profile has another key, and nothing that people could see has changed."""
		reports = Reports(tmp_path / 'runs')
		Bench(tmp_path, reports=reports).run(graph(SUM))
		later = Bench(tmp_path, reports=reports, profile='other')
		later.run(graph(SUM))

		assert later.why('one') == Why(
			code='evicted', cause='settings', text='its result was kept under other settings'
		)
