"""Log lines of this process."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from engine.logcontext import about
from server.logring import LogRing
from server.logs import logging_to

log = logging.getLogger('tests.logs')


@pytest.fixture
def until_end() -> Iterator[ExitStack]:
	"""Contexts that a test is in from somewhere on."""
	with ExitStack() as stack:
		yield stack


class TestFormats:
	"""How lines are written."""

	def test_for_people(self, until_end: ExitStack) -> None:
		"""One line each, with what it is about, and kept."""
		ring, stream = LogRing(), io.StringIO()
		until_end.enter_context(logging_to(ring, level='INFO', format='human', stream=stream))
		with about(request='r1', job='j1', node='5'):
			log.info('Said %s.', 'something')
		log.debug('Not told.')

		assert stream.getvalue().endswith('INFO    tests.logs: Said something.  [request=r1 job=j1 node=5]\n')
		assert [line.text for line in ring.lines] == ['Said something.']
		assert ring.lines[0].job == 'j1'

	def test_for_programs(self, until_end: ExitStack) -> None:
		"""One JSON object a line; tracebacks inside; what it is not about is left out."""
		ring, stream = LogRing(), io.StringIO()
		until_end.enter_context(logging_to(ring, level='DEBUG', format='json', stream=stream))
		with about(job='j1'):
			log.warning('One.\nTwo.')
		try:
			raise ValueError('boom')
		except ValueError:
			log.exception('Failed.')
		first, second = (json.loads(line) for line in stream.getvalue().splitlines())

		assert {key: first[key] for key in ('level', 'source', 'text', 'job')} == {
			'level': 'WARNING',
			'source': 'tests.logs',
			'text': 'One.\nTwo.',
			'job': 'j1',
		}
		assert isinstance(first['at'], float)
		assert 'request' not in first
		assert 'ValueError: boom' in second['text']
		assert 'Traceback' in second['text']

	@pytest.mark.parametrize('format', ['human', 'json'])
	def test_secrets_are_nowhere(self, until_end: ExitStack, format: str) -> None:
		"""Neither in the message nor in a traceback, neither in the terminal nor in the ring."""
		ring, stream = LogRing(), io.StringIO()
		until_end.enter_context(logging_to(ring, level='DEBUG', format=format, stream=stream))
		log.info('GET /ws?token=%s', 'S3cr3tS3cr3t')
		try:
			raise RuntimeError('Authorization: Bearer S3cr3tS3cr3t')
		except RuntimeError:
			log.exception('Failed.')

		assert len(ring.lines) == 2
		assert 'S3cr3t' not in stream.getvalue()
		assert 'S3cr3t' not in ''.join(line.text for line in ring.lines)

	def test_level(self, until_end: ExitStack) -> None:
		"""What lies below is neither written nor kept."""
		ring, stream = LogRing(), io.StringIO()
		until_end.enter_context(logging_to(ring, level='ERROR', format='human', stream=stream))
		log.warning('Not told.')
		log.error('Told.')

		assert [line.text for line in ring.lines] == ['Told.']
		assert stream.getvalue().count('\n') == 1

	def test_warnings_are_lines_too(self, until_end: ExitStack) -> None:
		"""What libraries warn of."""
		ring = LogRing()
		until_end.enter_context(logging_to(ring, level='INFO', format='human', stream=io.StringIO()))
		with warnings.catch_warnings():
			warnings.simplefilter('always')
			logging.captureWarnings(True)
			warnings.warn('old ways', stacklevel=1)

		assert 'old ways' in ring.lines[0].text

	def test_a_record_that_cannot_be_written_harms_nobody(
		self, until_end: ExitStack, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""A wrong format is told by `logging` itself, and the program goes on."""
		ring = LogRing()
		until_end.enter_context(logging_to(ring, level='INFO', format='human', stream=io.StringIO()))
		log.info('%d', 'no number')
		log.info('next')

		assert [line.text for line in ring.lines] == ['next']
		assert 'no number' in capsys.readouterr().err

	def test_afterwards_all_is_as_before(self) -> None:
		"""Whoever logged before logs again, at the level of before."""
		root, stream = logging.getLogger(), io.StringIO()
		before = (root.level, tuple(root.handlers))
		with logging_to(LogRing(), level='DEBUG', format='human', stream=stream):
			assert len(root.handlers) == 1
		log.error('Not told there.')

		assert (root.level, tuple(root.handlers)) == before
		assert stream.getvalue() == ''
