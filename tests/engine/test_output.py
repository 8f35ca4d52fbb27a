from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from engine import output
from engine.output import LONGEST_LINE, TOLD_LENGTH, TOLD_LINES, Echo, LineCutter, tail


def cut(*chunks: bytes) -> list[str]:
	"""The lines of some chunks, the rest included."""
	cutter = LineCutter()
	return [line for chunk in chunks for line in cutter.feed(chunk)] + cutter.rest()


class TestLineCutter:
	@pytest.mark.parametrize(
		('chunks', 'lines'),
		[
			((), []),
			((b'one\ntwo\n',), ['one', 'two']),
			((b'on', b'e\nt', b'wo'), ['one', 'two']),
			((b'\n\n',), ['', '']),
			((b'one\r\ntwo\r', b'\nthree'), ['one', 'two', 'three']),
			((b'10%\r20%\r', b'30%\r', b'done\n'), ['done']),
			((b'10%\r20%\r',), ['20%']),
			((b'10%\r20%',), ['20%']),
			((b'\xe2\x82', b'\xac\n'), ['€']),
			((b'\xff\xfe\n',), ['\ufffd\ufffd']),
			((b'half \xe2\x82',), ['half \ufffd']),
			((b'a\x00b\x1b[31m\n',), ['a\x00b\x1b[31m']),
		],
	)
	def test_lines(self, chunks: tuple[bytes, ...], lines: list[str]) -> None:
		"""However the bytes come, whole lines go; of a progress bar the last state, of broken text the rest."""
		assert cut(*chunks) == lines

	def test_a_line_is_told_when_it_ends(self) -> None:
		"""What is only begun waits."""
		cutter = LineCutter()

		assert cutter.feed(b'one') == []
		assert cutter.feed(b' line\ntwo') == ['one line']
		assert cutter.rest() == ['two']
		assert cutter.rest() == []

	def test_endless_lines_are_cut(self) -> None:
		"""A line that does not end is told in pieces, and no character is lost."""
		data = bytes(65 + index % 26 for index in range(10 * LONGEST_LINE + 7))
		cutter = LineCutter()
		early = [piece for at in range(0, len(data), 1000) for piece in cutter.feed(data[at : at + 1000])]
		whole = early + cutter.rest()

		assert len(early) >= 9
		assert max(map(len, whole)) <= LONGEST_LINE
		assert ''.join(whole) == data.decode()
		assert ''.join(cut(data + b'\n')) == data.decode()

	def test_an_endless_bar_does_not_grow(self) -> None:
		"""Of ticks without a line's end only the last is held."""
		cutter = LineCutter()
		told = [line for tick in range(50_000) for line in cutter.feed(f'\r{tick}'.encode())]

		assert told == []
		assert cutter.rest() == ['49999']


class TestTail:
	def test_the_last_lines_cut_short(self) -> None:
		"""Little enough to go with a failure."""
		told = tail(['x' * 1000] * 500 + ['last'])

		assert len(told) == TOLD_LINES
		assert told[-1] == 'last'
		assert told[0] == 'x' * TOLD_LENGTH + '…'


class TestEcho:
	@pytest.fixture
	def echo(self) -> Iterator[Echo]:
		"""An echo, closed at the end."""
		made = Echo()
		yield made
		made.close()

	def test_lines_are_written(self, echo: Echo, capsys: pytest.CaptureFixture[str]) -> None:
		"""To standard error, in order."""
		echo.write(['one', 'two'])
		echo.write(['three'])
		echo.close()

		assert capsys.readouterr().err == 'one\ntwo\nthree\n'

	def test_a_narrow_encoding(self, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
		"""What a terminal cannot show is escaped, not an error."""
		raw = io.BytesIO()
		monkeypatch.setattr(sys, 'stderr', io.TextIOWrapper(raw, 'ascii'))
		echo.write(['5 €'])
		echo.close()

		assert raw.getvalue() == b'5 \\u20ac\n'

	def test_without_standard_error(self, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
		"""There may be none, and nothing comes of it."""
		monkeypatch.setattr(sys, 'stderr', None)
		echo.write(['lost'])
		echo.close()

		assert threading.active_count() >= 1

	def test_nobody_reads(self, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Whoever writes does not wait, what waits is bounded, and how much was left out is told in the end."""
		read, write = os.pipe()
		monkeypatch.setattr(output, 'MOST_WAITING', 2**18)
		with os.fdopen(write, 'w') as stream, os.fdopen(read) as reader:
			monkeypatch.setattr(sys, 'stderr', stream)
			for _ in range(100):
				echo.write(['x' * 9_999])  # a pipe holds 64 KiB
			collected: list[str] = []
			last = threading.Event()

			def collect() -> None:
				for line in reader:
					collected.append(line)
					if line == 'last\n':
						last.set()
						return

			collecting = threading.Thread(target=collect)
			collecting.start()
			while not last.wait(0.05):
				echo.write(['last'])
			collecting.join()
			echo.close()
			monkeypatch.undo()
		told = [line for line in collected if 'are left out' in line]
		written = sum(line.startswith('x') for line in collected)

		assert written < 100
		assert told
		left_out = sum(int(line[1:].split()[0]) for line in told)
		assert left_out >= 100 - written
