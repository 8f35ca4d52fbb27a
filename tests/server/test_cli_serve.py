"""The flags of `serve`, ours and those that people bring along from ComfyUI."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.cli import parser, run_command
from server.cli_flags import settings_from
from server.cli_serve import serving_from
from server.serving import Limits, Serving

# What the peer's clients and its own tests pass, each with a value where it takes one.
PEER_FLAGS = (
	['--listen'],
	['--listen', '127.0.0.1'],
	['--port', '8189'],
	['--base-directory', 'base'],
	['--output-directory', 'out'],
	['--input-directory', 'in'],
	['--temp-directory', 'temp'],
	['--cpu'],
	['--cache-classic'],
	['--cache-lru', '10'],
	['--cache-none'],
	['--cache-ram'],
	['--cache-ram', '4.0'],
	['--preview-method', 'none'],
	['--preview-method', 'auto'],
	['--preview-method', 'latent2rgb'],
	['--preview-method', 'taesd'],
	['--disable-metadata'],
	['--disable-all-custom-nodes'],
	['--disable-all-custom-nodes', '--whitelist-custom-nodes', 'a', 'b'],
	['--enable-cors-header'],
	['--enable-cors-header', 'http://pages.example'],
	['--tls-keyfile', 'key.pem', '--tls-certfile', 'cert.pem'],
	['--verbose'],
	['--verbose', 'ERROR'],
	['--auto-launch'],
	['--disable-auto-launch'],
	['--disable-api-nodes'],
	['--quick-test-for-ci'],
)


def serving(*flags: str) -> Serving:
	"""What a command line says about the server."""
	return serving_from(parser().parse_args(['serve', *flags]))


class TestPeerFlags:
	"""ComfyUI's flags, taken with ComfyUI's meaning."""

	@pytest.mark.parametrize('flags', PEER_FLAGS, ids=' '.join)
	def test_flag_is_taken(self, flags: list[str]) -> None:
		"""Every one makes settings that the server can start with."""
		options, unknown = parser().parse_known_args(['serve', *flags])

		assert unknown == []
		assert isinstance(serving_from(options), Serving)
		settings_from(options)

	def test_extra_model_paths(self, tmp_path: Path) -> None:
		"""A file of more folders is read where it is named."""
		(tmp_path / 'extra.yaml').write_text('mine:\n  base_path: /models\n  loras: loras\n')
		options = parser().parse_args(['serve', '--extra-model-paths-config', str(tmp_path / 'extra.yaml')])

		assert settings_from(options).extra_models == {'loras': (Path('/models/loras'),)}

	def test_listen(self) -> None:
		"""With addresses, without one, and not at all."""
		assert serving('--listen', '127.0.0.1,::1').hosts == ('127.0.0.1', '::1')
		assert serving('--listen').hosts == ('0.0.0.0', '::')
		assert serving().hosts == ('127.0.0.1',)

	def test_cors(self) -> None:
		"""The pages of one origin, of any if none is named, of none without the flag."""
		assert serving('--enable-cors-header', 'http://a').cors_origin == 'http://a'
		assert serving('--enable-cors-header').cors_origin == '*'
		assert serving().cors_origin == ''

	def test_previews_are_off_unless_asked_for(self) -> None:
		"""Old clients take every binary frame for a picture."""
		assert serving().previews == 'none'
		assert serving('--preview-method', 'auto').previews == 'auto'

	def test_verbose(self) -> None:
		"""A level, all of it if none is named."""
		assert [serving(*flags).log_level for flags in ([], ['--verbose'], ['--verbose', 'ERROR'])] == [
			'INFO',
			'DEBUG',
			'ERROR',
		]

	def test_a_browser_is_opened_only_if_it_is_asked_for(self) -> None:
		"""Whoever says both means the one that is quieter."""
		assert serving('--auto-launch').open_browser
		assert not serving().open_browser
		assert not serving('--auto-launch', '--disable-auto-launch').open_browser


class TestOwnFlags:
	"""What ComfyUI does not have."""

	def test_names_of_the_server(self) -> None:
		"""Names are not told apart by their case."""
		assert serving('--allow-host', 'Studio.Example', '--allow-host', 'b').allowed_hosts == ('studio.example', 'b')

	def test_limits(self) -> None:
		"""One limit is moved, the others stay."""
		moved = serving('--limit', 'nodes=5', '--limit', 'links=7').limits

		assert moved == Limits(nodes=5, links=7)
		assert serving().limits == Limits()

	@pytest.mark.parametrize(
		'flags',
		[
			['--port=abc'],
			['--port=-1'],
			['--port=65536'],
			['--port=1.5'],
			['--limit', 'legs=4'],
			['--limit', 'nodes'],
			['--limit', 'nodes=0'],
			['--limit', 'nodes=many'],
			['--grace', 'long'],
			['--grace=-1'],
			['--grace', 'nan'],
			['--preview-method', 'pretty'],
			['--verbose', 'LOUD'],
			['--log-format', 'xml'],
		],
		ids=' '.join,
	)
	def test_what_makes_no_sense_is_refused(self, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Exit code 2, and the flag is named."""
		with pytest.raises(SystemExit) as ended:
			run_command(['serve', *flags])

		assert ended.value.code == 2
		assert flags[0].partition('=')[0] in capsys.readouterr().err.splitlines()[-1]
