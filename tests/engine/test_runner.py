from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.errors import InvalidGraph, PluginError
from engine.events import AnyEvent, JobFinished, JobStarted, NodeFinished
from engine.graph import NodeId
from engine.runner import Runner, physical_memory
from engine.settings import CacheMode, Settings
from tests.engine.tools import Nodes, graph

PICTURE: Nodes = {'one': ('Number', {'value': 1}), 'save': ('Save', {'value': ('one', 0)})}


class Show:
	"""A runner of the test pack, and what it told."""

	def __init__(self, settings: Settings) -> None:
		self.events: list[AnyEvent] = []
		self.runner = Runner(settings, self.events.append, pack='tests.engine.pack')
		self.output = settings.output_folder

	@property
	def saved(self) -> list[str]:
		"""The pictures that are there."""
		return sorted(path.name for path in self.output.iterdir())


@pytest.fixture
def show(settings: Settings) -> Show:
	"""A runner over empty folders."""
	return Show(settings)


class TestRun:
	def test_it_tells_from_start_to_finish(self, show: Show) -> None:
		"""The start comes first, the outcome last, and both are told once."""
		outcome = show.runner.run_all(graph(PICTURE), JobInfo('j'))

		assert outcome.state == 'succeeded'
		assert isinstance(show.events[0], JobStarted)
		assert show.events[-1] is outcome
		assert sum(isinstance(event, JobStarted | JobFinished) for event in show.events) == 2

	def test_a_bad_graph_is_refused_before_it_runs(self, show: Show) -> None:
		"""The error carries every problem, and nothing is told."""
		asked = graph({'save': ('Save', {}), 'n': ('Number', {'value': 'x'}), 'see': ('See', {'value': ('n', 0)})})
		with pytest.raises(InvalidGraph) as caught:
			show.runner.run_all(asked, JobInfo('j'))

		assert {problem.node for problem in caught.value.problems} == {'save', 'n'}
		assert len(str(caught.value).splitlines()) == 2
		assert show.events == []

	def test_a_failing_node_is_an_outcome(self, show: Show) -> None:
		"""Nothing is raised."""
		outcome = show.runner.run_all(graph({'f': ('Fail', {}), 's': ('See', {'value': ('f', 0)})}), JobInfo('j'))

		assert outcome.state == 'failed'
		assert show.events[-1] is outcome

	def test_a_failing_plan_is_an_outcome_too(self, tmp_path: Path) -> None:
		"""A picture that goes between check and run fails its node, before anything is called."""
		(tmp_path / 'fading.py').write_text(
			'import sys\n'
			'from engine.spec import node\n'
			'def gone(storage, constants):\n'
			"\traise OSError('the disk is gone')\n"
			"@node(kind='Fading', category='test', sink=True, fingerprint=gone)\n"
			'def fading() -> None: ...\n'
			'def register(kit):\n'
			'\tkit.collect(sys.modules[__name__])\n'
		)
		events: list[AnyEvent] = []
		with pytest.MonkeyPatch.context() as patch:
			patch.syspath_prepend(tmp_path)
			runner = Runner(Settings(base=tmp_path), events.append, pack='fading')
		outcome = runner.run_all(graph({'f': ('Fading', {})}), JobInfo('j'))

		assert [event.type for event in events] == ['job_started', 'job_finished']
		assert (outcome.state, outcome.node) == ('failed', 'f')
		assert outcome.failure is not None
		assert outcome.failure.message == 'the disk is gone'

	def test_a_cancelled_job(self, show: Show, calls: list[str]) -> None:
		"""The token ends the run."""
		cancel = CancelToken()
		cancel.cancel()
		outcome = show.runner.run_all(graph(PICTURE), JobInfo('j'), cancel)

		assert outcome.state == 'cancelled'
		assert calls == []

	def test_only_the_given_sinks_run(self, show: Show, calls: list[str]) -> None:
		"""What a client did not select stays."""
		asked = graph({**PICTURE, 'see': ('See', {'value': ('one', 0)})})
		checked = show.runner.check(asked, targets=['see'])
		show.runner.run(checked.graph, [NodeId('see')], JobInfo('j'), CancelToken())

		assert calls == ['one', 'see']


class TestCache:
	def test_a_picture_that_is_there_is_not_saved_again(self, show: Show, calls: list[str]) -> None:
		"""The second job tells the first one's file."""
		for _ in range(2):
			show.runner.run_all(graph(PICTURE), JobInfo('j'))
		first, again = [event for event in show.events if isinstance(event, NodeFinished) and event.node == 'save']

		assert calls == ['one', 'save']
		assert again.cached
		assert again.ui == first.ui
		assert show.saved == ['picture_00001_.png']

	def test_a_deleted_picture_is_saved_anew(self, show: Show, calls: list[str]) -> None:
		"""A picture whose file is gone is no hit; what feeds it still is."""
		show.runner.run_all(graph(PICTURE), JobInfo('j'))
		(show.output / 'picture_00001_.png').unlink()
		calls.clear()
		show.runner.run_all(graph(PICTURE), JobInfo('j'))

		assert calls == ['save']
		assert show.saved == ['picture_00001_.png']

	def test_two_runners_share_what_is_on_disk(self, show: Show, settings: Settings, calls: list[str]) -> None:
		"""What one has kept, another of the same folder has too."""
		show.runner.run_all(graph(PICTURE), JobInfo('j'))
		calls.clear()
		Show(settings).runner.run_all(graph(PICTURE), JobInfo('j'))

		assert calls == []

	@pytest.mark.parametrize('mode', ['classic', 'lru', 'ram', 'none'])
	def test_other_modes_keep_nothing_on_disk(
		self, mode: CacheMode, show: Show, settings: Settings, calls: list[str]
	) -> None:
		"""There is then no state beside the runner."""
		own = settings.model_copy(update={'cache_mode': mode})
		Show(own).runner.run_all(graph(PICTURE), JobInfo('j'))
		calls.clear()
		Show(own).runner.run_all(graph(PICTURE), JobInfo('j'))

		assert calls == ['one', 'save']


class TestStart:
	def test_the_packs_nodes_are_there(self, show: Show) -> None:
		"""In the order in which they were registered."""
		assert [info.kind for info in show.runner.nodes][:3] == ['Number', 'Add', 'Divide']

	def test_warm_calls_what_packs_left(self, show: Show) -> None:
		"""In their order."""
		done: list[int] = []
		show.runner.kit.warm.extend([lambda: done.append(1), lambda: done.append(2)])
		show.runner.warm()

		assert done == [1, 2]

	def test_a_broken_pack_is_told(self, settings: Settings) -> None:
		"""A runner without its pack is none."""
		with pytest.raises(PluginError):
			Runner(settings, lambda event: None, pack='no_such_pack')

	def test_no_folder_is_made(self, show: Show, settings: Settings) -> None:
		"""Folders come when something is saved."""
		assert list(settings.base.iterdir()) == []

	def test_the_machine_has_memory(self) -> None:
		"""More than nothing, in bytes."""
		assert physical_memory() > 2**24
