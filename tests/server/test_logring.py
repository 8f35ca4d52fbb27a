"""The last log lines."""

from __future__ import annotations

import threading

import pytest

from server.logring import LONGEST_TEXT, LogLine, LogRing, clean


class TestRing:
	"""Lines are kept and handed on."""

	def test_the_last_are_kept(self) -> None:
		"""Oldest first."""
		ring = LogRing(kept=3)
		for number in range(5):
			ring.add(float(number), 'worker', f'line {number}')

		assert [line.text for line in ring.lines] == ['line 2', 'line 3', 'line 4']
		assert ring.lines[0].at == 2.0
		assert ring.lines[0].source == 'worker'

	def test_listeners_hear_until_they_leave(self) -> None:
		"""Each line, in order."""
		ring = LogRing()
		heard: list[str] = []
		ring.add(0.0, 'a', 'before')
		with ring.listen(lambda line: heard.append(line.text)):
			ring.add(0.0, 'a', 'one')
			ring.add(0.0, 'a', 'two')
		ring.add(0.0, 'a', 'after')

		assert heard == ['one', 'two']

	def test_threads_may_add_at_once(self) -> None:
		"""Nothing is lost."""
		ring = LogRing(kept=4000)

		def work() -> None:
			for _ in range(1000):
				ring.add(0.0, 'a', 'x')

		threads = [threading.Thread(target=work) for _ in range(4)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()

		assert len(ring.lines) == 4000

	def test_what_comes_from_elsewhere_is_cleaned(self) -> None:
		"""A worker may print anything, about any job."""
		ring = LogRing()
		ring.add(1.0, 'worker', '\x1b[2Jtoken: Bearer abcdefghijkl\n', level='ERROR', job='j', node='7')
		line = ring.lines[0]

		assert line.text == '�[2Jtoken: Bearer …'
		assert (line.level, line.job, line.node) == ('ERROR', 'j', '7')


class TestClean:
	"""Text that may be shown."""

	@pytest.mark.parametrize(
		('text', 'shown'),
		[
			('plain\ttext\n', 'plain\ttext'),
			('two\nlines', 'two\nlines'),
			('\x1b]0;title\x07', '�]0;title�'),
			('a\rb', 'a�b'),
			('\x9b31m', '�31m'),
			('ümläut ✓', 'ümläut ✓'),
		],
	)
	def test_control_characters(self, text: str, shown: str) -> None:
		"""Nothing moves a terminal's cursor or paints it."""
		assert clean(text) == shown

	def test_long_text_is_cut(self) -> None:
		"""One line cannot fill the memory."""
		assert len(clean('x' * 10 * LONGEST_TEXT)) < LONGEST_TEXT + 10


class TestHuman:
	"""As people read it."""

	def test_says_what_it_is_about(self) -> None:
		"""Only what it is about."""
		line = LogLine(at=0.0, level='INFO', source='s', text='t', request='r', node='7')

		assert line.human.endswith('INFO    s: t  [request=r node=7]')
		assert LogLine(at=0.0, level='INFO', source='s', text='t').human.endswith('s: t')

	def test_further_lines_are_indented(self) -> None:
		"""So that a text cannot pass for several lines."""
		line = LogLine(at=0.0, level='INFO', source='s', text='one\n2026-01-01 00:00:00 INFO    s: forged')

		assert [part[:4] for part in line.human.splitlines()[1:]] == ['    ']
