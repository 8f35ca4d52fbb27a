"""Flags about worker processes."""

from __future__ import annotations

import pytest

from engine.settings import Settings
from server.cli import parser
from server.cli_flags import settings_from


def settings(*flags: str) -> Settings:
	"""The settings of a server's command line."""
	return settings_from(parser().parse_args(['serve', *flags]))


class TestFlags:
	"""Each has a setting."""

	@pytest.mark.parametrize(
		('flag', 'text', 'name', 'value'),
		[
			('--workers', '3', 'workers', 3),
			('--node-seconds', '1.5', 'node_seconds', 1.5),
			('--heartbeat-seconds', '30', 'heartbeat_seconds', 30.0),
			('--grace-seconds', '0.5', 'grace_seconds', 0.5),
			('--recycle-jobs', '100', 'recycle_jobs', 100),
			('--recycle-memory', '1.5', 'recycle_bytes', 3 * 2**29),
		],
	)
	def test_a_flag_sets_it(self, flag: str, text: str, name: str, value: float) -> None:
		"""And nothing else."""
		assert settings(flag, text) == settings().model_copy(update={name: value})

	@pytest.mark.parametrize(
		('flag', 'text'),
		[
			('--workers', '0'),
			('--workers', '1.5'),
			('--recycle-jobs', '-1'),
			('--node-seconds', '0'),
			('--node-seconds', 'nan'),
			('--grace-seconds', 'inf'),
			('--recycle-memory', 'much'),
		],
	)
	def test_what_cannot_be_is_refused(self, flag: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
		"""The message quotes what was given."""
		with pytest.raises(SystemExit):
			settings(f'{flag}={text}')

		assert repr(text) in capsys.readouterr().err

	def test_commands_without_workers_know_none(self) -> None:
		"""`run` runs in its own process."""
		with pytest.raises(SystemExit):
			parser().parse_args(['run', 'file', '--workers', '2'])
