"""The commands behind main.py, run as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from server.cli import run_command
from tests import tiny

PROJECT = Path(__file__).resolve().parent.parent.parent
WORKFLOW = PROJECT / 'workflows' / 'text_to_image.json'
SMALL = ['--set', 'model=tiny.safetensors', '--set', 'width=32', '--set', 'height=32', '--set', 'steps=2']


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A models folder with a tiny checkpoint, and damaged ones beside it."""
	folder = tmp_path_factory.mktemp('models') / 'checkpoints'
	folder.mkdir()
	tiny.save_checkpoint(folder / 'tiny.safetensors')
	whole = (folder / 'tiny.safetensors').read_bytes()
	(folder / 'cut.safetensors').write_bytes(whole[: len(whole) // 2])
	(folder / 'text.safetensors').write_text('this is no model')
	(folder / 'empty.safetensors').write_bytes(b'')
	return folder.parent


@pytest.fixture
def base(tmp_path: Path, models: Path) -> list[str]:
	"""The flags that keep a run within its own folders."""
	return ['--base', str(tmp_path), '--models', str(models)]


def document(**changes: object) -> dict[str, object]:
	"""The demo workflow, with nodes replaced: `sample={'inputs': {'steps': 0}}` merges inputs."""
	read: dict[str, object] = json.loads(WORKFLOW.read_text())
	nodes = read['nodes']
	assert isinstance(nodes, dict)
	for node, change in changes.items():
		if change is None:
			del nodes[node]
		elif isinstance(change, dict):
			inputs = {**nodes.get(node, {}).get('inputs', {}), **change.get('inputs', {})}
			nodes[node] = {
				**nodes.get(node, {}),
				**change,
				'inputs': {name: value for name, value in inputs.items() if value is not None},
			}
	return read


def open_picture(path: Path | str) -> Image.Image:
	"""A picture in memory, its file closed."""
	with Image.open(path) as opened:
		opened.load()
		return opened.copy()


class TestRun:
	"""`run` makes a picture here, without a server."""

	def test_prints_the_path_of_each_picture(
		self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""Standard output holds the paths and nothing else; the nodes are told on standard error."""
		code = run_command(['run', str(WORKFLOW), *SMALL, *base])
		printed = capsys.readouterr()
		paths = [Path(line) for line in printed.out.splitlines()]

		assert code == 0
		assert [path.parent for path in paths] == [(tmp_path / 'output').resolve()]
		assert open_picture(paths[0]).size == (32, 32)
		assert 'KSampler' in printed.err
		assert '7 nodes ran, 0 from the cache' in printed.err

	def test_counts_what_the_cache_has(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""All of it, also what nobody had to take from there."""
		run_command(['run', str(WORKFLOW), *SMALL, *base])
		run_command(['run', str(WORKFLOW), *SMALL, *base])
		again = capsys.readouterr().err
		run_command(['run', str(WORKFLOW), *SMALL, *base, '--set', 'positive.text=another'])

		assert '0 nodes ran, 7 from the cache' in again
		assert '4 nodes ran, 3 from the cache' in capsys.readouterr().err

	def test_output_folder_is_where_it_says(
		self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""--output names the folder for pictures; it is made when missing."""
		run_command(['run', str(WORKFLOW), *SMALL, *base, '--output', str(tmp_path / 'my' / 'pictures')])

		assert len(list((tmp_path / 'my' / 'pictures').glob('*.png'))) == 1

	def test_json_ends_with_the_outcome(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""--json prints the outcome for programs in its last line: state, nodes, files."""
		run_command(['run', str(WORKFLOW), *SMALL, *base, '--json'])
		[report] = json.loads(capsys.readouterr().out.splitlines()[-1])['result']['runs']

		assert report['state'] == 'succeeded'
		assert [node['node'] for node in report['nodes']][-3:] == ['sample', 'decode', 'save']
		assert all(node['why']['code'] for node in report['nodes'])
		assert Path(report['files'][0]['path']).is_file()

	def test_says_why_each_node_ran(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""The reason stands behind the node; after a change it names the input."""
		run_command(['run', str(WORKFLOW), *SMALL, *base])
		first = capsys.readouterr().err
		run_command(['run', str(WORKFLOW), *SMALL, *base, '--set', 'steps=3'])
		second = capsys.readouterr().err

		assert '(KSampler): first time' in first
		assert "(KSampler): input 'steps' changed from 2 to 3" in second

	def test_seed_and_prompt_change_the_picture(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""--seed and --set prompt=… reach their nodes; the same words and seed give the same pixels."""

		def pixels(*more: str) -> bytes:
			run_command(['run', str(WORKFLOW), *SMALL, *base, *more])
			return open_picture(capsys.readouterr().out.strip()).tobytes()

		first = pixels('--seed', '1')

		assert pixels('--seed', '1') == first
		assert pixels('--seed', '2') != first
		assert pixels('--seed', '1', '--set', 'prompt=something else') != first
		assert pixels('--seed', '1', '--set', 'sample.cfg=1.5') != first

	def test_prompt_of_digits_stays_text(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A value is read as its input's type: 2025 for a text is text."""
		assert run_command(['run', str(WORKFLOW), *SMALL, *base, '--set', 'prompt=2025']) == 0

	def test_api_form_runs_too(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""The prompt inside a saved picture is itself a workflow that makes the same picture."""
		run_command(['run', str(WORKFLOW), *SMALL, *base])
		first = open_picture(capsys.readouterr().out.strip())
		(tmp_path / 'again.json').write_text(first.info['prompt'])
		code = run_command(['run', str(tmp_path / 'again.json'), *base])
		second = open_picture(capsys.readouterr().out.strip())

		assert code == 0
		assert first.tobytes() == second.tobytes()

	def test_odd_node_ids_are_told_as_they_are(
		self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""Brackets in an id are no markup."""
		graph = {
			'[/red]x': {'class_type': 'EmptyLatentImage', 'inputs': {'width': 16, 'height': 16, 'batch_size': 1}},
			'm': {'class_type': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'tiny.safetensors'}},
			'd': {'class_type': 'VAEDecode', 'inputs': {'samples': ['[/red]x', 0], 'vae': ['m', 2]}},
			's': {'class_type': 'PreviewImage', 'inputs': {'images': ['d', 0]}},
		}
		(tmp_path / 'odd.json').write_text(json.dumps(graph))
		code = run_command(['run', str(tmp_path / 'odd.json'), *base])

		assert code == 0
		assert '[/red]x' in capsys.readouterr().err

	def test_interrupt_ends_it_cleanly(self, tmp_path: Path, models: Path) -> None:
		"""Ctrl-C during sampling ends with code 130 and leaves no file behind."""
		process = subprocess.Popen(
			[
				*(sys.executable, 'main.py', 'run', str(WORKFLOW), '--base', str(tmp_path), '--models', str(models)),
				*(*SMALL, '--set', 'steps=10000'),
			],
			cwd=PROJECT,
			stderr=subprocess.PIPE,
			text=True,
			env={**os.environ, 'PYTHONUNBUFFERED': '1'},
		)
		assert process.stderr is not None
		for line in process.stderr:
			if 'EmptyLatentImage' in line:  # Next comes the sampler.
				break
		process.send_signal(signal.SIGINT)
		rest = process.communicate(timeout=60)[1]

		assert process.returncode == 130
		assert 'Traceback' not in rest
		assert not list((tmp_path / 'output').glob('*')) if (tmp_path / 'output').exists() else True


class TestBadInput:
	"""Each mistake is one clear message, exit code 2, no traceback."""

	@pytest.mark.parametrize(
		('changes', 'told'),
		[
			({'sample': {'kind': 'KSamplr'}}, ["'sample'", 'KSampler', 'KSamplr']),
			({'sample': {'inputs': {'positive': None}}}, ["'sample'", 'positive', 'CONDITIONING', 'nothing']),
			({'sample': {'inputs': {'steps': 'many'}}}, ["'sample'", 'steps', 'whole number from 1 to 10000', 'many']),
			({'sample': {'inputs': {'steps': 0}}}, ["'sample'", 'steps', 'from 1 to 10000', 'got 0']),
			({'sample': {'inputs': {'sampler_name': 'elur'}}}, ["'sample'", 'sampler_name', 'euler', 'elur']),
			(
				{'sample': {'inputs': {'positive': {'node': 'latent', 'output': 'LATENT'}}}},
				["'sample'", 'positive', 'CONDITIONING', 'LATENT'],
			),
			({'decode': {'inputs': {'samples': {'node': 'gone', 'output': 0}}}}, ["'decode'", 'samples', "'gone'"]),
			({'decode': {'inputs': {'samples': {'node': 'decode', 'output': 0}}}}, ["'decode'", 'circle']),
			({'sample': {'inputs': {'stepz': 3}}}, ["'sample'", 'stepz', 'steps']),
			({'model': {'inputs': {'ckpt_name': 'cut.safetensors'}}}, ["'model'", 'ckpt_name', 'not complete']),
			({'model': {'inputs': {'ckpt_name': 'text.safetensors'}}}, ["'model'", 'ckpt_name', 'safetensors']),
			({'model': {'inputs': {'ckpt_name': 'empty.safetensors'}}}, ["'model'", 'ckpt_name', 'safetensors']),
			({'model': {'inputs': {'ckpt_name': 'gone.safetensors'}}}, ["'model'", 'ckpt_name', 'gone.safetensors']),
			({'save': None}, ['saves or shows']),
		],
	)
	@pytest.mark.parametrize('command', ['check', 'run'])
	def test_wrong_graph(
		self,
		command: str,
		changes: dict[str, object],
		told: list[str],
		base: list[str],
		tmp_path: Path,
		capsys: pytest.CaptureFixture[str],
	) -> None:
		"""The message names the node, the input, what was expected and what came; nothing is written."""
		(tmp_path / 'wrong.json').write_text(json.dumps(document(**changes)))
		code = run_command([command, str(tmp_path / 'wrong.json'), *base])
		printed = capsys.readouterr()

		assert code == 2
		assert all(part in printed.err for part in told), printed.err
		assert 'Traceback' not in printed.err
		assert printed.out == ''
		assert not (tmp_path / 'output').exists()

	@pytest.mark.parametrize(
		('content', 'told'),
		[
			('{"lumengraph": 1,', 'line 1 column'),
			('[]', 'a list'),
			('{"lumengraph": 99, "nodes": {}}', 'version 99'),
			('{"lumengraph": 1}', 'nodes'),
			('{"nodes": {}, "links": []}', 'no workflow file'),
		],
	)
	def test_wrong_file(
		self, content: str, told: str, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""What is no workflow file says what it is instead."""
		(tmp_path / 'wrong.json').write_text(content)
		code = run_command(['run', str(tmp_path / 'wrong.json'), *base])
		printed = capsys.readouterr()

		assert code == 2
		assert told in printed.err
		assert 'wrong.json' in printed.err

	def test_missing_file(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A file that is not there is named."""
		assert run_command(['check', 'nowhere.json', *base]) == 2
		assert 'nowhere.json' in capsys.readouterr().err

	@pytest.mark.parametrize('change', ['nonsense', 'color=red', 'sample.nothing=1', 'gone.steps=1', 'steps=abc'])
	def test_wrong_set(self, change: str, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A --set that fits nowhere, or does not fit its input, is refused before anything runs."""
		code = run_command(['run', str(WORKFLOW), *SMALL, *base, '--set', change])

		assert code == 2
		assert change.partition('=')[0].rpartition('.')[2] in capsys.readouterr().err

	def test_all_problems_are_told_at_once(
		self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""Three mistakes at two nodes are three lines."""
		wrong = document(sample={'inputs': {'steps': 0, 'cfg': 'x'}}, model={'inputs': {'ckpt_name': 'gone'}})
		(tmp_path / 'wrong.json').write_text(json.dumps(wrong))
		run_command(['check', str(tmp_path / 'wrong.json'), *base])

		assert capsys.readouterr().err.count('error: ') == 3


class TestCheck:
	"""`check` validates without torch."""

	def test_good_file(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A good file is said to be good, with its named inputs."""
		(tmp_path / 'good.json').write_text(json.dumps(document(model={'inputs': {'ckpt_name': 'tiny.safetensors'}})))
		code = run_command(['check', str(tmp_path / 'good.json'), *base])

		out = capsys.readouterr().out

		assert code == 0
		assert 'prompt' in out
		assert 'memory: ' in out

	def test_imports_no_torch(self, base: list[str], tmp_path: Path) -> None:
		"""Checking a workflow brings in none of the heavy libraries."""
		code = (
			'import sys; from server.cli import run_command; '
			f'run_command(["check", {str(WORKFLOW)!r}, *{base!r}]); '
			'print({"torch", "diffusers", "transformers", "aiohttp"} & set(sys.modules))'
		)
		done = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, capture_output=True, text=True, check=True)

		assert done.stdout.splitlines()[-1] == 'set()'


class TestNodes:
	"""`nodes` lists and describes kinds."""

	def test_lists_every_kind(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Each kind has a line with what it does."""
		run_command(['nodes', *base])
		printed = capsys.readouterr().out

		assert all(kind in printed for kind in ('CheckpointLoaderSimple', 'KSampler', 'SaveImage', 'LoadImage'))

	def test_describes_one(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""One kind is told with inputs, ranges and outputs."""
		run_command(['nodes', 'KSampler', *base])
		printed = capsys.readouterr().out

		assert 'steps: INT 1 … 10000, default 20' in printed
		assert 'LATENT: LATENT' in printed

	def test_unknown_kind_suggests_one(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A misspelt kind gets the nearest one named."""
		assert run_command(['nodes', 'KSamplr', *base]) == 2
		assert "Did you mean 'KSampler'?" in capsys.readouterr().err


class TestCommandLine:
	"""The grammar."""

	def test_unknown_command_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
		"""A misspelt command gets the list of those there are."""
		with pytest.raises(SystemExit) as caught:
			run_command(['runn', 'x'])
		told = capsys.readouterr().err

		assert caught.value.code == 2
		assert 'runn' in told
		assert 'check' in told


class TestServe:
	"""`serve`, and no command at all."""

	def test_serves_and_ends_when_told(self, tmp_path: Path) -> None:
		"""It says where it is, answers there, ends with 0, and a second one on its port harms nothing."""
		command = [sys.executable, 'main.py', '--base', str(tmp_path), '--port']
		first = subprocess.Popen([*command, '0'], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
		assert first.stdout is not None
		with first.stdout:
			url = first.stdout.readline().split()[-1]
			with urllib.request.urlopen(f'{url}/v1/health') as answer:
				health = json.load(answer)
			(tmp_path / 'temp' / 'preview.png').write_bytes(b'shown just now')
			second = subprocess.run(
				[*command, url.rpartition(':')[2]], cwd=PROJECT, capture_output=True, text=True, check=False
			)
			kept = (tmp_path / 'temp' / 'preview.png').is_file()
			first.send_signal(signal.SIGTERM)
			code = first.wait(60)

		assert health['status'] == 'ok'
		assert second.returncode == 2
		assert 'Cannot listen' in second.stderr
		assert '--port' in second.stderr
		assert kept
		assert code == 0

	def test_flags_of_front_ends(self, tmp_path: Path) -> None:
		"""Another front end is served, users are told apart, uploads bounded, and all lies in the folder named for it."""
		(tmp_path / 'front').mkdir()
		(tmp_path / 'front' / 'index.html').write_text('<title>Another</title>')
		flags = ['--front-end-root', 'front', '--user-directory', 'people', '--multi-user', '--max-upload-size', '2']
		command = [sys.executable, str(PROJECT / 'main.py'), '--base', 'base', '--port', '0', *flags]
		server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
		assert server.stdout is not None
		with server.stdout:
			url = server.stdout.readline().split()[-1]
			with urllib.request.urlopen(f'{url}/') as answer:
				page = answer.read().decode()
			with urllib.request.urlopen(f'{url}/features') as answer:
				features = json.load(answer)
			with urllib.request.urlopen(f'{url}/users', b'{"username": "Ann"}') as answer:
				user = json.load(answer)
			server.send_signal(signal.SIGTERM)
			server.wait(60)

		assert 'Another' in page
		assert features['max_upload_size'] == 2 * 2**20
		assert json.loads((tmp_path / 'people' / 'users.json').read_text()) == {user: 'Ann'}


class TestConvert:
	"""`convert` writes a workflow in another form."""

	def test_to_the_api_form(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Standard output holds JSON and nothing else."""
		code = run_command(['convert', str(WORKFLOW), '--to', 'api', *base])
		made = json.loads(capsys.readouterr().out)

		assert code == 0
		assert {node['class_type'] for node in made.values()} >= {'CheckpointLoaderSimple', 'KSampler', 'SaveImage'}

	def test_every_form_runs(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Each form of a workflow makes the same picture: the second comes from the cache."""
		(tmp_path / 'small.json').write_text(
			json.dumps(
				document(
					model={'inputs': {'ckpt_name': 'tiny.safetensors'}},
					sample={'inputs': {'steps': 2}},
					latent={'inputs': {'width': 32, 'height': 32}},
				)
			)
		)
		reports = []
		for form in ('native', 'api', 'editor'):
			assert run_command(['convert', str(tmp_path / 'small.json'), '--to', form, *base]) == 0
			(tmp_path / f'{form}.json').write_text(capsys.readouterr().out)
			assert run_command(['run', str(tmp_path / f'{form}.json'), '--json', *base]) == 0
			reports += json.loads(capsys.readouterr().out.splitlines()[-1])['result']['runs']

		assert all(node['cached'] for report in reports[1:] for node in report['nodes'] if node['kind'] == 'KSampler')
		assert {len(report['files']) for report in reports} == {1}

	def test_pictures(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A saved picture is its own workflow; one without metadata is none, even where the other is in the cache."""
		assert run_command(['run', str(WORKFLOW), *SMALL, *base]) == 0
		[picture] = capsys.readouterr().out.splitlines()
		assert run_command(['run', str(WORKFLOW), *SMALL, *base, '--no-metadata']) == 0
		[bare] = capsys.readouterr().out.splitlines()

		assert run_command(['check', picture, *base]) == 0
		assert run_command(['convert', picture, *base]) == 0
		assert run_command(['run', picture, *base]) == 0
		capsys.readouterr()
		assert run_command(['check', bare, *base]) == 2
		assert 'carries no workflow' in capsys.readouterr().err

	def test_what_is_missing_is_told(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Unknown kinds are kept, and standard error says which pack has them."""
		node = {'id': 4, 'type': 'Elsewhere', 'properties': {'cnr_id': 'a-pack'}}
		(tmp_path / 'foreign.json').write_text(json.dumps({'nodes': [node], 'links': []}))
		code = run_command(['convert', str(tmp_path / 'foreign.json'), *base])
		printed = capsys.readouterr()

		assert code == 0
		assert json.loads(printed.out)['nodes']['4']['kind'] == 'Elsewhere'
		assert printed.err == "warning: 'Elsewhere' is not known here (node 4); the pack 'a-pack' has it.\n"
