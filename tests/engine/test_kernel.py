from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.kernel import SACRIFICE, make_pages, resident_bytes
from engine.settings import PROJECT

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='only Linux grants it')
MIDDLE = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE)
print(child.stdout.readline().decode().strip(), flush=True)
"""
CHILD = """
import ctypes, os
from engine.kernel import end_with_parent
end_with_parent()
print(os.getpid(), flush=True)
ctypes.PyDLL(None).sleep(600)
"""


class TestEndWithParent:
	def test_even_in_native_code(self) -> None:
		"""A process that hears nothing any more is gone when its parent is."""
		done = subprocess.run(
			[sys.executable, '-c', MIDDLE, CHILD], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True
		)
		status = Path(f'/proc/{int(done.stdout)}/status')
		for _ in range(1000):
			try:
				if 'State:\tZ' in status.read_text():
					break
			except (FileNotFoundError, ProcessLookupError):
				break
			subprocess.run(['sleep', '0.01'], check=True)
		else:
			pytest.fail('The child lives on.')


class TestGoFirst:
	def test_it_is_noted(self) -> None:
		"""The kernel knows whom to end when memory is short."""
		code = "from engine.kernel import go_first; go_first(); print(open('/proc/self/oom_score_adj').read())"
		done = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)

		assert done.stdout.strip() == SACRIFICE


class TestMakePages:
	def test_whole_pages_are_there_before_they_are_written_to(self) -> None:
		"""What is in them stays, as does what begins and ends within a page."""
		pages = mmap.mmap(-1, 4096 * mmap.PAGESIZE)
		pages[100:104] = b'here'
		start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
		before = resident_bytes(os.getpid())
		make_pages(start + 100, 2000 * mmap.PAGESIZE)
		grown = resident_bytes(os.getpid()) - before

		assert grown == pytest.approx(2000 * mmap.PAGESIZE, rel=0.1)
		assert pages[100:104] == b'here'
		assert pages[104 : 10 * mmap.PAGESIZE] == bytes(10 * mmap.PAGESIZE - 104)

	def test_less_than_a_page_is_left(self) -> None:
		"""There is no whole page in it; nor is there anything at an address of no memory."""
		make_pages(mmap.PAGESIZE + 1, mmap.PAGESIZE)
		make_pages(0, 10 * mmap.PAGESIZE)


class TestResidentBytes:
	def test_of_this_process(self) -> None:
		"""It grows with what is held."""
		before = resident_bytes(os.getpid())
		held = bytearray(os.urandom(1024) * (64 * 1024))

		assert resident_bytes(os.getpid()) >= before + len(held) // 2
		assert before > 2**20

	def test_of_none(self) -> None:
		"""A process that is gone holds nothing."""
		assert resident_bytes(2**22 + 1) == 0
