"""`models`: what a running server holds, or the files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.modelreport import ResidentReport, WorkReport
from server.cli import run_command
from server.cli_models import NoServer, ask, residents
from server.schemas.residents import ModelsStatus, WorkerModels
from tests.server.client import Api, call, seeds

MIB = 2**20


class TestServer:
	"""Asking one."""

	async def test_residents(self, api: Api) -> None:
		"""A line per model that a job has left in memory."""
		await api.ended(await api.submit({'1': call('Lift', seed=next(seeds))}))
		status = await asyncio.to_thread(ask, str(api.web.make_url('/')), '')
		await api.web.delete('/v1/models/status')
		[worker, model] = residents(status)

		assert worker.startswith('worker-1: 0 of ')
		assert model.startswith('  weight of one.safetensors; 0 MiB at cpu; 0 leases; ')

	async def test_another_server(self, api: Api) -> None:
		"""What answers otherwise is not taken for one of ours."""
		with pytest.raises(NoServer, match='answers 404'):
			await asyncio.to_thread(ask, str(api.web.make_url('/nothing')), '')

	@pytest.mark.parametrize('url', ['file:///etc/passwd', 'nothing'])
	def test_no_address(self, url: str) -> None:
		"""Files are not opened."""
		with pytest.raises(NoServer, match='no address'):
			ask(url, '')


class TestLines:
	def test_of_a_load(self) -> None:
		"""Phase and share; patches, streaming, and who uses it."""
		resident = ResidentReport(
			id='x',
			model='a.sft',
			part='denoiser',
			dtype='auto',
			patches=('Lora',),
			places={'cuda:0': 3 * MIB, 'cpu': 20 * MIB},
			nbytes=23 * MIB,
			size=20 * MIB,
			room=3 * MIB,
			leases=1,
			phase='loading_model',
			done=5,
			total=10,
		)
		worker = WorkerModels(
			worker='w',
			device='cuda:0',
			place='cuda:0',
			budgets={'cuda:0': 4 * MIB},
			used={'cuda:0': 3 * MIB},
			residents=[],
			work=[WorkReport(label='work with denoiser of a.sft', nbytes=MIB)],
		)
		empty = ModelsStatus(workers=[worker])
		full = ModelsStatus(workers=[worker.model_copy(update={'residents': [resident]})])

		assert [*residents(full)] == [
			'w: 3 of 4 MiB at cuda:0',
			'  denoiser of a.sft + Lora; 3 MiB at cuda:0, 20 MiB at cpu; streamed, 20 MiB in all; loading_model 50%; '
			'1 lease; x',
			'  1 MiB to work with denoiser of a.sft',
		]
		assert [*residents(empty)][2] == '  no models'


class TestFiles:
	def test_they_are_listed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""By kind, with what is wrong with them."""
		(tmp_path / 'models' / 'vae').mkdir(parents=True)
		(tmp_path / 'models' / 'vae' / 'broken.safetensors').write_bytes(b'weights')
		code = run_command(['models', '--files', '--base', str(tmp_path)])
		lines = capsys.readouterr().out.splitlines()

		assert code == 0
		assert lines[lines.index('vae:') + 1].startswith('  broken.safetensors; 0.0 MiB; of no known family; damaged: ')

	def test_no_server(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""One that was named must be there."""
		code = run_command(['models', '--server', 'http://127.0.0.1:1', '--base', str(tmp_path)])

		assert code == 2
		assert 'No server answers at http://127.0.0.1:1.' in capsys.readouterr().err
