"""`explain`: a workflow in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.explain import Explanation
from engine.settings import PROJECT
from server.cli import run_command

NODES = {
	'plain': {'kind': 'EmptyImage', 'inputs': {'width': 16, 'height': 8, 'batch_size': 1, 'color': 255}},
	'save': {'kind': 'SaveImage', 'inputs': {'images': {'node': 'plain', 'output': 0}, 'filename_prefix': 'x'}},
}


@pytest.fixture
def base(tmp_path: Path) -> list[str]:
	"""The flags that keep a command within its own folders."""
	return ['--base', str(tmp_path)]


class TestExplain:
	"""For people, and for programs."""

	def test_in_words(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Every node with what comes in and what becomes of it; before and after a run."""
		(tmp_path / 'w.json').write_text(json.dumps({'lumengraph': 2, 'title': 'Plain', 'nodes': NODES}))
		assert run_command(['explain', str(tmp_path / 'w.json'), *base]) == 0
		before = capsys.readouterr().out
		assert run_command(['run', str(tmp_path / 'w.json'), *base]) == 0
		capsys.readouterr()
		assert run_command(['explain', str(tmp_path / 'w.json'), *base]) == 0
		after = capsys.readouterr().out

		assert before.startswith('Plain\n2 nodes: 2 would run, 0 have')
		assert '  images ← IMAGE of plain\n' in before
		assert '  → would run: first time' in before
		assert '2 have their results in the cache' in after
		assert '  → from the cache' in after

	def test_shipped_workflow(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""By name: its inputs, its model, its seed, its memory."""
		assert run_command(['explain', 'text_to_image', *base]) == 0
		told = capsys.readouterr().out

		assert 'checkpoints/lumen-demo.safetensors, for model: 6.0 MiB, sd1' in told
		assert 'sample.seed = 2' in told
		assert 'prompt (positive.text): what to draw' in told
		assert 'memory: ' in told

	def test_json(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""--json prints all of it as one object."""
		assert run_command(['explain', 'text_to_image', '--json', *base]) == 0
		found = Explanation.model_validate_json(capsys.readouterr().out)

		assert len(found.nodes) == 7

	def test_problems(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""They are told with the rest, and make the exit code 2."""
		nodes = {**NODES, 'plain': {'kind': 'EmptyImag', 'inputs': {}}}
		(tmp_path / 'w.json').write_text(json.dumps({'lumengraph': 2, 'nodes': nodes}))

		assert run_command(['explain', str(tmp_path / 'w.json'), *base]) == 2
		told = capsys.readouterr().out
		assert 'problems\n' in told
		assert 'EmptyImag: a kind that is not known here' in told

	def test_a_picture_beside_the_workflow(
		self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""It is no problem, as `run` copies it; another one stays a problem."""
		load = {'kind': 'LoadImage', 'inputs': {'image': 'seen.png'}}
		nodes = {'plain': load, 'save': NODES['save']}
		(tmp_path / 'w.json').write_text(json.dumps({'lumengraph': 2, 'nodes': nodes}))
		assert run_command(['explain', str(tmp_path / 'w.json'), *base]) == 2
		assert 'problems\n' in capsys.readouterr().out

		(tmp_path / 'seen.png').write_bytes(b'x')
		assert run_command(['explain', str(tmp_path / 'w.json'), *base]) == 0
		told = capsys.readouterr().out
		assert 'problems\n' not in told
		assert f'warnings\n  plain.image: {tmp_path}/seen.png is not in the input folder; run copies it there' in told
		assert 'never runs' not in told
		assert not (tmp_path / 'input' / 'seen.png').exists()

	def test_without_torch(self, base: list[str]) -> None:
		"""Nothing heavy is imported for it."""
		code = (
			'import sys; from server.cli import run_command; '
			f'run_command(["explain", "text_to_image", *{base!r}]); '
			'print({"torch", "diffusers", "transformers"} & set(sys.modules))'
		)
		done = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, capture_output=True, text=True, check=True)

		assert done.stdout.splitlines()[-1] == 'set()'

	def test_a_reader_that_goes(self, base: list[str]) -> None:
		"""Who pipes into `head` sees no traceback."""
		with subprocess.Popen(
			[sys.executable, 'main.py', 'explain', 'text_to_image', '--json', *base],
			cwd=PROJECT,
			stdout=subprocess.PIPE,
			stderr=subprocess.PIPE,
		) as process:
			assert process.stdout is not None
			assert process.stderr is not None
			process.stdout.close()
			told = process.stderr.read()
			code = process.wait(60)

		assert told == b''
		assert code == 141
