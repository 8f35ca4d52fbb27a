"""`run --server`: as if it ran here, but by a running server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from engine.settings import PROJECT
from server.cli_report import ResultLine, RunOutcome
from server.schemas.stream import EventMessage
from tests.server.client import Api, Graph, call, saving, shade
from tests.server.guarded import Guarded

NOWHERE = 'http://127.0.0.1:9'


@dataclass(frozen=True)
class Told:
	"""What a command printed, and its exit code."""

	code: int
	out: str
	err: str

	@property
	def runs(self) -> list[RunOutcome]:
		"""The runs that the last line tells of."""
		return ResultLine.model_validate_json(self.out.splitlines()[-1]).result.runs


@asynccontextmanager
async def started(folder: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
	"""The command line in a process of its own, with folders of its own."""
	process = await asyncio.create_subprocess_exec(
		*(sys.executable, str(PROJECT / 'main.py'), *words, '--base', str(folder / 'here')),
		cwd=folder,
		stdout=asyncio.subprocess.PIPE,
		stderr=asyncio.subprocess.PIPE,
		env={**os.environ, 'PYTHONUNBUFFERED': '1'},
	)
	try:
		yield process
	finally:
		if process.returncode is None:
			process.kill()
			await process.wait()


async def run(folder: Path, *words: str) -> Told:
	"""Run a command to its end."""
	async with started(folder, 'run', *words) as process:
		out, err = await asyncio.wait_for(process.communicate(), 60)
		assert process.returncode is not None
		return Told(process.returncode, out.decode(), err.decode())


def address(api: Api) -> str:
	"""Where the server is."""
	return str(api.web.make_url('/'))


def written(folder: Path, graph: Graph) -> str:
	"""A workflow file."""
	(folder / 'w.json').write_text(json.dumps(graph))
	return 'w.json'


class TestRun:
	"""A job there, its results here."""

	async def test_fetches_the_results(self, api: Api, tmp_path: Path) -> None:
		"""The picture is downloaded into the output folder, its path printed; nodes are told on standard error."""
		told = await run(tmp_path, written(tmp_path, saving()), '--server', address(api), '--output', 'results')
		[path] = told.out.splitlines()

		assert told.code == 0, told.err
		assert Path(path).parent == (tmp_path / 'results').resolve()
		with Image.open(path) as picture:
			assert picture.size == (8, 8)
		assert 'Save' in told.err
		assert not (tmp_path / 'here' / 'output').exists()

	async def test_lines_are_those_of_the_server(self, api: Api, tmp_path: Path) -> None:
		"""--json prints the server's own events of this job, and the result last."""
		told = await run(tmp_path, written(tmp_path, saving()), '--server', address(api), '--json')
		events = [EventMessage.model_validate_json(line) for line in told.out.splitlines()[:-1]]
		[outcome] = told.runs
		stored = await (await api.get(f'/v1/jobs/{outcome.job}')).json()

		assert told.code == 0, told.err
		assert events[-1].event.type == 'job_finished'
		assert {event.event.job for event in events} == {outcome.job}
		assert stored['state'] == outcome.state == 'succeeded'
		assert [file.path.is_file() for file in outcome.files] == [True]

	async def test_values_and_seeds(self, api: Api, tmp_path: Path) -> None:
		"""--set and --count reach the server's job; every run is a job of its own."""
		words = ('--set', '1.value=77', '--seed', '123456789', '--count', '2', '--json')
		told = await run(tmp_path, written(tmp_path, saving()), '--server', address(api), *words)
		details = [await (await api.get(f'/v1/jobs/{outcome.job}')).json() for outcome in told.runs]

		assert [outcome.seeds for outcome in told.runs] == [{'1.seed': 123456789}, {'1.seed': 123456790}]
		assert [detail['prompt']['1']['inputs'] for detail in details] == [
			{'value': 77, 'seed': 123456789},
			{'value': 77, 'seed': 123456790},
		]

	async def test_sweeps(self, api: Api, tmp_path: Path) -> None:
		"""The server makes every combination; all of their pictures are fetched."""
		file = tmp_path / 'flow.json'
		file.write_text(json.dumps({'1': shade(), '2': call('Save', paper=['1', 0])}))
		told = await run(tmp_path, 'flow.json', '--server', address(api), '--sweep', '1.value=1..3/3')

		assert told.code == 0, told.err
		assert len(told.out.splitlines()) == 3

	async def test_local_pictures_are_sent(self, api: Api, base: Path, tmp_path: Path) -> None:
		"""A picture that lies beside the workflow is uploaded; the job has the name that it got there."""
		Image.new('RGB', (3, 3), 'red').save(tmp_path / 'seen.png')  # The server has another one of that name.
		model = base / 'models' / 'checkpoints' / 'whole.safetensors'
		model.write_bytes(b'\2\0\0\0\0\0\0\0{}')
		graph = {'1': call('Pick', number='1', image='seen.png', model='whole.safetensors')}
		told = await run(tmp_path, written(tmp_path, graph), '--server', address(api), '--json')
		model.unlink()
		[outcome] = told.runs
		detail = await (await api.get(f'/v1/jobs/{outcome.job}')).json()
		name = detail['prompt']['1']['inputs']['image']

		assert told.code == 0, told.err
		assert name != 'seen.png'
		assert (base / 'input' / name).read_bytes() == (tmp_path / 'seen.png').read_bytes()

	async def test_swept_pictures_are_sent(self, api: Api, base: Path, tmp_path: Path) -> None:
		"""Every value of a sweep that is a picture here is one there."""
		for shade_of, name in (('green', 'swept.png'), ('blue', 'other.png')):
			Image.new('RGB', (3, 3), shade_of).save(tmp_path / name)
		model = base / 'models' / 'checkpoints' / 'whole.safetensors'
		model.write_bytes(b'\2\0\0\0\0\0\0\0{}')
		graph = {'1': call('Pick', number='1', image='swept.png', model='whole.safetensors')}
		sweep = f'1.image=swept.png,{tmp_path}/other.png'
		told = await run(tmp_path, written(tmp_path, graph), '--server', address(api), '--sweep', sweep)
		model.unlink()

		assert told.code == 0, told.err
		assert (base / 'input' / 'other.png').read_bytes() == (tmp_path / 'other.png').read_bytes()

	async def test_names_are_those_of_the_servers_library(self, api: Api, tmp_path: Path) -> None:
		"""A workflow that is saved there is run by its name."""
		nodes = {
			'a': {'kind': 'Shade', 'inputs': shade()['inputs']},
			'b': {'kind': 'Save', 'inputs': {'paper': {'node': 'a', 'output': 'PAPER'}}},
		}
		document = {'lumengraph': 1, 'nodes': nodes}
		await api.web.put('/v1/workflows/over-there', json=document)
		told = await run(tmp_path, 'over-there', '--server', address(api))
		gone = await run(tmp_path, 'not-there', '--server', address(api))
		await api.web.delete('/v1/workflows/over-there')

		assert told.code == 0, told.err
		assert len(told.out.splitlines()) == 1
		assert gone.code == 2
		assert 'not-there' in gone.err


class TestEnds:
	"""Every way it can end has its exit code."""

	async def test_ctrl_c_cancels_the_job_there(self, api: Api, tmp_path: Path) -> None:
		"""The job is stopped at the server, and the exit code is 130."""
		graph = {'1': call('Slow', seconds=59.5)}
		async with started(tmp_path, 'run', written(tmp_path, graph), '--server', address(api), '--json') as process:
			assert process.stdout is not None
			job = ''
			async for line in process.stdout:
				event = EventMessage.model_validate_json(line).event
				job = event.job
				if event.type == 'node_started':
					break
			process.send_signal(signal.SIGINT)
			out, err = await asyncio.wait_for(process.communicate(), 60)
		stored = await (await api.get(f'/v1/jobs/{job}')).json()

		assert process.returncode == 130, err.decode()
		assert stored['state'] == 'cancelled'
		assert ResultLine.model_validate_json(out.splitlines()[-1]).result.state == 'cancelled'

	async def test_failures(self, api: Api, tmp_path: Path) -> None:
		"""A node that fails there is 1, and told with its node."""
		graph = {'1': shade(), '2': call('Fail', paper=['1', 0], text='oh'), '3': call('Save', paper=['2', 0])}
		told = await run(tmp_path, written(tmp_path, graph), '--server', address(api))

		assert told.code == 1
		assert "node '2' (Fail): oh" in told.err

	async def test_bad_input(self, api: Api, tmp_path: Path) -> None:
		"""What is wrong with the workflow is told as the server says it, problem by problem: 2."""
		graph = {'1': call('Shade', value=999, seed=-1), '2': call('Save', paper=['1', 0])}
		told = await run(tmp_path, written(tmp_path, graph), '--server', address(api))

		assert told.code == 2
		assert told.err.count('error: ') == 2
		assert 'value' in told.err

	@pytest.mark.parametrize(('server', 'code'), [(NOWHERE, 3), ('nonsense', 2)])
	async def test_no_server(self, server: str, code: int, tmp_path: Path) -> None:
		"""An address where nobody answers is 3; what is no address is 2."""
		told = await run(tmp_path, written(tmp_path, saving()), '--server', server)

		assert told.code == code
		assert server in told.err

	async def test_tokens(self, guarded: Guarded, tmp_path: Path) -> None:
		"""Without a token a guarded server lets nobody in, which is told; with it, jobs run."""
		url = str(guarded.web.make_url('/'))
		refused = await run(tmp_path, written(tmp_path, saving()), '--server', url)
		taken = await run(tmp_path, written(tmp_path, saving()), '--server', url, '--token', guarded.token)

		assert refused.code == 3
		assert '--token' in refused.err
		assert taken.code == 0, taken.err
