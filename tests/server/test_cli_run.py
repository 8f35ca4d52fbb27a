"""`run` here: by name, several times, as lines for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.settings import PROJECT
from server.cli import run_command
from server.cli_report import ResultLine
from server.schemas.stream import EventMessage
from tests import tiny

WORKFLOW = str(PROJECT / 'workflows' / 'text_to_image.json')


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A models folder with a tiny checkpoint."""
	folder = tmp_path_factory.mktemp('models') / 'checkpoints'
	folder.mkdir()
	tiny.save_checkpoint(folder / 'tiny.safetensors')
	return folder.parent


@pytest.fixture
def flags(tmp_path: Path, models: Path) -> list[str]:
	"""What keeps a run small, and within its own folders."""
	small = ['model=tiny.safetensors', 'width=32', 'height=32', 'steps=1']
	return ['--base', str(tmp_path), '--models', str(models), *(word for one in small for word in ('--set', one))]


def seeds_of(printed: str) -> list[dict[str, int]]:
	"""The seeds of each run, as the result line tells them."""
	return [run.seeds for run in ResultLine.model_validate_json(printed.splitlines()[-1]).result.runs]


def changed(path: Path, **seeds: str) -> str:
	"""The demo workflow whose layout says what becomes of its seed."""
	document: dict[str, Any] = json.loads(Path(WORKFLOW).read_text())
	document['layout']['nodes']['sample']['seeds'] = seeds
	path.write_text(json.dumps(document))
	return str(path)


class TestNames:
	"""A workflow of the library is run by its name."""

	def test_shipped_and_own(self, flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Those that come with the program, and those that were saved in the editor."""
		own = tmp_path / 'user' / 'workflows'
		own.mkdir(parents=True)
		(own / 'mine.json').write_text(Path(WORKFLOW).read_text())

		assert run_command(['run', 'text_to_image', *flags]) == 0
		assert run_command(['run', 'mine', *flags]) == 0
		assert len(capsys.readouterr().out.splitlines()) == 2

	def test_unknown(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A name that is none is told with those there are."""
		assert run_command(['run', 'text_to_imag', *flags]) == 2
		assert 'text_to_image' in capsys.readouterr().err


class TestLines:
	"""`--json`."""

	def test_every_line_is_typed(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Events as `/v1/events` sends them, numbered; the last line is the result, with the paths of the files."""
		code = run_command(['run', WORKFLOW, *flags, '--json'])
		lines = capsys.readouterr().out.splitlines()
		events = [EventMessage.model_validate_json(line) for line in lines[:-1]]
		result = ResultLine.model_validate_json(lines[-1]).result
		numbers = [event.number for event in events]

		assert code == 0
		assert [events[0].event.type, events[-1].event.type] == ['job_started', 'job_finished']
		assert numbers == sorted(numbers)
		assert result.state == 'succeeded'
		assert all(file.path.is_file() for file in result.files)
		assert {event.event.job for event in events} == {result.runs[0].job}

	def test_failures_are_told_too(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A run that is refused before it begins prints no line; one that fails has its failure in the result."""
		assert run_command(['run', WORKFLOW, *flags, '--set', 'steps=x', '--json']) == 2
		assert capsys.readouterr().out == ''


class TestPictures:
	"""Input pictures that do not lie in the input folder."""

	def test_given_by_path(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""They are copied into it, beside another of the same name; the same one is copied once."""
		graph = {
			'1': {'class_type': 'LoadImage', 'inputs': {'image': 'seen.png'}},
			'2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'a'}},
		}
		base, elsewhere = tmp_path / 'base', tmp_path / 'elsewhere'
		(base / 'input').mkdir(parents=True)
		elsewhere.mkdir()
		Image.new('RGB', (2, 2)).save(base / 'input' / 'seen.png')
		Image.new('RGB', (3, 3)).save(elsewhere / 'seen.png')
		(tmp_path / 'a.json').write_text(json.dumps(graph))
		run = ['run', str(tmp_path / 'a.json'), '--base', str(base)]
		codes = [run_command(run), *(run_command([*run, '--set', f'1.image={elsewhere}/seen.png']) for _ in range(2))]
		sizes = []
		for line in capsys.readouterr().out.splitlines():
			with Image.open(line) as picture:
				sizes.append(picture.size)

		assert (codes, sizes) == ([0, 0, 0], [(2, 2), (3, 3), (3, 3)])
		assert sorted(path.name for path in (base / 'input').iterdir()) == ['seen (2).png', 'seen.png']

	def test_beside_the_workflow(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A workflow and its picture in one folder run together; a check says what will be done, and does not do it."""
		graph = {
			'1': {'class_type': 'LoadImage', 'inputs': {'image': 'seen.png'}},
			'2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}},
		}
		Image.new('RGB', (3, 3)).save(tmp_path / 'seen.png')
		(tmp_path / 'a.json').write_text(json.dumps(graph))
		flags = [str(tmp_path / 'a.json'), '--base', str(tmp_path / 'base')]

		assert run_command(['check', *flags]) == 0
		assert 'seen.png is not in the input folder; run copies it there' in capsys.readouterr().err
		assert not (tmp_path / 'base' / 'input').exists()
		assert run_command(['run', *flags]) == 0

	def test_swept(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""The values of a sweep are copied as well: by path, or beside the workflow."""
		graph = {
			'1': {'class_type': 'LoadImage', 'inputs': {'image': 'a.png'}},
			'2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'x'}},
		}
		(tmp_path / 'other').mkdir()
		for size, name in enumerate(('a.png', 'b.png', 'other/a.png'), 3):
			Image.new('RGB', (size, size)).save(tmp_path / name)
		(tmp_path / 'a.json').write_text(json.dumps(graph))
		flags = [str(tmp_path / 'a.json'), '--base', str(tmp_path / 'base')]
		code = run_command(['run', *flags, '--sweep', f'1.image=a.png,{tmp_path}/b.png,other/a.png'])
		sizes = []
		for line in capsys.readouterr().out.splitlines():
			with Image.open(line) as picture:
				sizes.append(picture.width)

		assert code == 0
		assert sorted(sizes)[:3] == [3, 4, 5]
		assert sorted(path.name for path in (tmp_path / 'base' / 'input').iterdir()) == ['a (2).png', 'a.png', 'b.png']

	@pytest.mark.parametrize('name', ['gone.png', 'a.json', '', 'x' * 300 + '.png'])
	def test_what_is_no_picture(self, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""It is refused, and nothing is copied."""
		graph = {
			'1': {'class_type': 'LoadImage', 'inputs': {'image': str(tmp_path / name)}},
			'2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}},
		}
		(tmp_path / 'a.json').write_text(json.dumps(graph))

		assert run_command(['run', str(tmp_path / 'a.json'), '--base', str(tmp_path / 'base')]) == 2
		assert "node '1' (LoadImage), input 'image'" in capsys.readouterr().err
		assert not (tmp_path / 'base' / 'input').exists()


class TestCount:
	"""`--count` runs it again and again with other seeds."""

	def test_seeds_count_up(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""If the workflow does not say how seeds move; every run has its picture."""
		code = run_command(['run', WORKFLOW, *flags, '--count', '3', '--seed', '7', '--json'])
		printed = capsys.readouterr()
		files = ResultLine.model_validate_json(printed.out.splitlines()[-1]).result.files

		assert code == 0
		assert seeds_of(printed.out) == [{'sample.seed': 7}, {'sample.seed': 8}, {'sample.seed': 9}]
		assert len({file.path.read_bytes() for file in files}) == 3
		assert 'run 3: succeeded; sample.seed 9' in printed.err

	def test_paths_are_listed(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Without --json, standard output has the paths of all pictures."""
		run_command(['run', WORKFLOW, *flags, '--count', '2'])

		assert len([Path(line).read_bytes() for line in capsys.readouterr().out.splitlines()]) == 2

	def test_files_of_all_kinds_are_listed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Not only pictures."""
		inputs = {'text': 'kept', 'filename_prefix': 'a', 'format': 'txt'}
		(tmp_path / 'a.json').write_text(json.dumps({'1': {'class_type': 'SaveText', 'inputs': inputs}}))
		code = run_command(['run', str(tmp_path / 'a.json'), '--base', str(tmp_path)])

		assert code == 0
		assert [Path(line).read_text() for line in capsys.readouterr().out.splitlines()] == ['kept']

	@pytest.mark.parametrize(('said', 'expected'), [('increment', [2, 3]), ('fixed', [2, 3]), ('decrement', [2, 1])])
	def test_the_workflow_says_how(
		self, said: str, expected: list[int], flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""As its layout has it; what never moves would give the same picture twice, and counts up."""
		run_command(['run', changed(tmp_path / 'w.json', seed=said), *flags, '--count', '2', '--json'])

		assert [seeds['sample.seed'] for seeds in seeds_of(capsys.readouterr().out)] == expected

	def test_drawn_seeds_can_be_drawn_again(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""--seeds random draws them after --seed, the same ones every time."""
		told = []
		for _ in range(2):
			run_command(['run', WORKFLOW, *flags, '--count', '2', '--seed', '5', '--seeds', 'random', '--json'])
			told.append(seeds_of(capsys.readouterr().out))

		assert told[0] == told[1]
		assert told[0][0] == {'sample.seed': 5}
		assert told[0][1] not in ({'sample.seed': 5}, {'sample.seed': 6})

	def test_fixed_seeds_if_asked(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""--seeds fixed runs the same again: from the cache."""
		run_command(['run', WORKFLOW, *flags, '--count', '2', '--seeds', 'fixed', '--json'])
		runs = ResultLine.model_validate_json(capsys.readouterr().out.splitlines()[-1]).result.runs

		assert runs[0].seeds == runs[1].seeds
		assert all(node.cached for node in runs[1].nodes)

	def test_without_a_seed(self, tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A workflow that has none is refused, once it would have to differ."""
		nodes = {
			'e': {'kind': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}},
			's': {'kind': 'SaveImage', 'inputs': {'images': {'node': 'e', 'output': 0}, 'filename_prefix': 'x'}},
		}
		(tmp_path / 'plain.json').write_text(json.dumps({'lumengraph': 1, 'nodes': nodes}))

		assert run_command(['run', str(tmp_path / 'plain.json'), *flags[:4], '--count', '2']) == 2
		assert '--count' in capsys.readouterr().err


class TestSweep:
	"""`--sweep`."""

	def test_every_combination_and_the_grid(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""The path of each picture, and that of the table of all of them."""
		code = run_command(['run', WORKFLOW, *flags, '--sweep', 'seed=1,2', '--sweep', 'cfg=1..3/3'])
		names = [Path(line).name for line in capsys.readouterr().out.splitlines()]

		assert code == 0
		assert len(names) == 7
		assert [name.startswith('text_to_image_grid') for name in names].count(True) == 1

	@pytest.mark.parametrize(
		('sweep', 'words'),
		[
			('seed', '--sweep wants NAME=VALUE'),
			('seed=', '--sweep wants NAME=VALUE'),
			('seed=1,x', "input 'seed': expected a whole number"),
			('seed=1..200/200', '100'),
			('sed=1', "no workflow input 'sed'"),
		],
	)
	def test_bad_input(self, flags: list[str], sweep: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""What fits nowhere ends with 2, and says why."""
		assert run_command(['run', WORKFLOW, *flags, '--sweep', sweep]) == 2
		assert words in capsys.readouterr().err
