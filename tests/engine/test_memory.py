from pathlib import Path

import pytest

from engine.memory import available_memory, total_memory

MEMINFO = 'MemTotal:        2048 kB\nMemFree:          100 kB\nMemAvailable:    1024 kB\n'


def system(root: Path, **files: str) -> Path:
	"""A machine's files of this content; `__` stands for a slash."""
	for name, text in {'proc__meminfo': MEMINFO, **files}.items():
		path = root / name.replace('__', '/')
		path.parent.mkdir(parents=True, exist_ok=True)
		path.write_text(text)
	return root


class TestMemory:
	def test_the_machines(self, tmp_path: Path) -> None:
		"""In bytes."""
		root = system(tmp_path)

		assert total_memory(root) == 2048 * 1024
		assert available_memory(root) == 1024 * 1024

	def test_here(self) -> None:
		"""There is some, and not more free than there is."""
		assert 0 < available_memory() <= total_memory()

	@pytest.mark.parametrize('text', ['', 'MemTotal', 'nonsense: x kB\n'])
	def test_odd_files(self, tmp_path: Path, text: str) -> None:
		"""A guess, not an error."""
		root = system(tmp_path, proc__meminfo=text)

		assert total_memory(root) > 0
