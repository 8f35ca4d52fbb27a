"""The worker process by itself, with the test in the place of the server."""

import asyncio
import os
import sys
from pathlib import Path

from engine.settings import PROJECT, Settings
from engine.wire import Described, from_worker

PATIENCE = 120.0


class TestConnection:
	async def test_it_proves_itself_describes_and_leaves_with_the_server(self, tmp_path: Path) -> None:
		"""The token comes first, then the declarations; when the connection ends, so does the process."""
		connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
		connected = asyncio.get_running_loop().create_future()
		server = await asyncio.start_server(
			lambda reader, writer: connected.set_result((reader, writer)), '127.0.0.1', 0, limit=2**24
		)
		port: int = server.sockets[0].getsockname()[1]
		process = await asyncio.create_subprocess_exec(
			sys.executable,
			*('-m', 'engine.worker', '--port', str(port), '--pack', 'tests.engine.pack'),
			*('--notes', str(tmp_path / 'notes')),
			stdin=asyncio.subprocess.PIPE,
			cwd=PROJECT,
			env={**os.environ, 'LUMENGRAPH_HOME': str(tmp_path / 'not this one')},
		)
		assert process.stdin is not None
		process.stdin.write(f'secret\n{Settings(base=tmp_path).model_dump_json()}\n'.encode())
		async with asyncio.timeout(PATIENCE):
			reader, writer = await connected
			token = await reader.readline()
			described = from_worker.validate_json(await reader.readline())
			writer.close()
			code = await process.wait()
		server.close()

		assert token == b'secret\n'
		assert isinstance(described, Described)
		assert [node.kind for node in described.nodes][:2] == ['Number', 'Add']
		assert described.model_folders['vae'] == (tmp_path / 'models' / 'vae', tmp_path / 'output' / 'vae')
		assert code == 0
