"""The README's requests to a running server are good as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.settings import PROJECT
from tests.serving import serving

ADDRESS = 'http://127.0.0.1:8188'
COMMANDS = [line.strip() for line in (PROJECT / 'README.md').read_text().splitlines() if line.startswith('    curl ')]


@pytest.mark.skipif(not shutil.which('curl') and not os.environ.get('CI'), reason='curl is not here')
def test_workflow_is_posted(tmp_path: Path) -> None:
	"""The command that posts a workflow file to /v1/jobs, sent by a shell, gives a job."""
	[command] = [line for line in COMMANDS if '/v1/jobs' in line]
	with serving(tmp_path) as server:
		sent = subprocess.run(
			['bash', '-c', command.replace(ADDRESS, server.url)], cwd=PROJECT, capture_output=True, check=True
		)
	job = json.loads(sent.stdout)

	assert job['state'] in ('queued', 'running')
	assert job['prompt']['sample']['inputs']['seed'] == 3


def test_python_example_runs(tmp_path: Path) -> None:
	"""The example of a workflow in Python makes its pictures and its file."""
	[code] = re.findall(r'```python\n(.*?)```', (PROJECT / 'README.md').read_text(), re.DOTALL)
	done = subprocess.run(
		[sys.executable, '-c', code],
		cwd=tmp_path,
		env={**os.environ, 'PYTHONPATH': str(PROJECT), 'LUMENGRAPH_HOME': str(tmp_path / 'home')},
		capture_output=True,
		text=True,
		check=False,
	)

	assert done.returncode == 0, done.stderr
	assert {path.name for path in tmp_path.glob('*.*')} == {'circle.png', 'grid.png', 'shape.json'}


def test_addresses_are_those_of_the_server() -> None:
	"""Every address of the README is one that the server has."""
	from server.app import COMFY_ROUTES, OWN_ROUTES

	paths = {route.path for route in (*COMFY_ROUTES, *OWN_ROUTES)}
	named = set(re.findall(rf'{re.escape(ADDRESS)}(/[\w/]*)', (PROJECT / 'README.md').read_text()))

	assert named
	assert named <= paths
