"""`cache`: what is kept, and why nodes ran."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.events import Why
from engine.report import InputTrace, Reports, RunReport, StepReport
from engine.settings import PROJECT
from server.cli import run_command

WORKFLOW = PROJECT / 'workflows' / 'text_to_image.json'
STEPS = (
	StepReport(node='model', kind='Load', ran=False, why=Why(code='cached'), key='a'),
	StepReport(
		node='sample',
		kind='KSampler',
		ran=True,
		why=Why(code='input_changed', text="input 'steps' changed from 4 to 5"),
		seconds=1.5,
		key='b',
		inputs={'steps': InputTrace(constant='5'), 'model': InputTrace(source='model', output=1, digest='a')},
	),
	StepReport(node='save', kind='Save', ran=True, why=Why(code='first_time'), seconds=0.25, key='c'),
)


@pytest.fixture
def base(tmp_path: Path) -> list[str]:
	"""A folder with the reports of two runs."""
	reports = Reports(tmp_path / 'cache' / 'runs')
	reports.save(RunReport(job='first-run', at=1.0, state='failed', seconds=1.0, steps=STEPS[:1]))
	reports.save(RunReport(job='second-run', at=2.0, state='succeeded', seconds=2.0, steps=STEPS))
	return ['--base', str(tmp_path)]


class TestWhy:
	"""Which nodes of a run were called."""

	def test_last_run(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A line per node: whether it ran, how long, and the reason in words."""
		code = run_command(['cache', 'why', *base])

		assert code == 0
		assert capsys.readouterr().out.splitlines() == [
			'run second-run: succeeded, 2.0 s',
			'  cached             model (Load): nothing changed',
			"  ran        1.50 s  sample (KSampler): input 'steps' changed from 4 to 5",
			'  ran        0.25 s  save (Save): first time',
		]

	@pytest.mark.parametrize('job', ['first-run', 'first'])
	def test_another_run(self, base: list[str], job: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""By its id, or the beginning of it."""
		run_command(['cache', 'why', job, *base])

		assert capsys.readouterr().out.startswith('run first-run: failed')

	def test_one_node(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""With what it was given."""
		run_command(['cache', 'why', 'second', 'sample', *base])
		lines = capsys.readouterr().out.splitlines()

		assert len(lines) == 4
		assert lines[2:] == ['      steps: 5', '      model: output 1 of model']

	@pytest.mark.parametrize('asked', [['third'], ['second', 'nobody']])
	def test_unknown(self, base: list[str], asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""One sentence, and the code of bad input."""
		assert run_command(['cache', 'why', *asked, *base]) == 2
		assert asked[-1] in capsys.readouterr().err

	def test_nothing_ran_yet(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""An empty folder has no run."""
		assert run_command(['cache', 'why', '--base', str(tmp_path)]) == 2
		assert 'No run is kept yet.' in capsys.readouterr().err


@pytest.fixture
def ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
	"""A folder in which the bundled workflow has been run with the embedded model."""
	base = ['--base', str(tmp_path)]
	assert run_command(['run', str(WORKFLOW), '--set', 'sample.steps=1', *base]) == 0
	capsys.readouterr()
	return base


def again(base: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, bool]:
	"""Run the same once more, as another process would: node → whether it was called."""
	assert run_command(['run', str(WORKFLOW), '--set', 'sample.steps=1', '--json', *base]) == 0
	[report] = json.loads(capsys.readouterr().out.splitlines()[-1])['result']['runs']
	return {node['node']: not node['cached'] for node in report['nodes']}


class TestKept:
	"""What is kept on disk, from one command to the next."""

	def test_the_next_command_calls_nothing(self, ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Results survive the process: the picture is told again, and nothing is computed."""
		assert not any(again(ran, capsys).values())

	def test_stats(self, ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""How many results there are, how large, and which kinds took how long."""
		code = run_command(['cache', 'stats', *ran])
		told = capsys.readouterr().out

		assert code == 0
		assert '7 results' in told
		assert 'KSampler' in told

	def test_clear(self, ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Everything is computed anew after it."""
		assert run_command(['cache', 'clear', *ran]) == 0
		assert all(again(ran, capsys).values())

	def test_pinned_results_stay(self, ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""What a pinned workflow needs is not cleared, until it is unpinned."""
		prepared = Path(ran[1]) / 'prepared.json'
		document = json.loads(WORKFLOW.read_text())
		document['nodes']['sample']['inputs']['steps'] = 1
		prepared.write_text(json.dumps(document))

		assert run_command(['cache', 'pin', str(prepared), *ran]) == 0
		assert '7 nodes' in capsys.readouterr().out

		run_command(['cache', 'clear', *ran])

		assert not any(again(ran, capsys).values())

		run_command(['cache', 'unpin', str(prepared), *ran])
		run_command(['cache', 'clear', *ran])
		capsys.readouterr()

		assert all(again(ran, capsys).values())

	def test_workflows_of_the_library_are_pinned_by_name(
		self, ran: list[str], capsys: pytest.CaptureFixture[str]
	) -> None:
		"""As all other commands find them."""
		assert run_command(['cache', 'pin', 'text_to_image', *ran]) == 0
		assert 'text_to_image: the results of 7 nodes are kept' in capsys.readouterr().out
		assert run_command(['cache', 'pin', 'no_such', *ran]) == 2

	def test_without_a_cache_on_disk(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Where its folder cannot be made, that is said."""
		(tmp_path / 'cache').write_text('a file in its place')

		assert run_command(['cache', 'stats', '--base', str(tmp_path)]) == 2
		assert 'no cache on disk' in capsys.readouterr().err
