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


V2 = 'sys__fs__cgroup__'
V1 = 'sys__fs__cgroup__memory__'
KIB = 1024


class TestContainers:
	def test_a_limit_counts(self, tmp_path: Path) -> None:
		"""What a container may use, less what it uses, but for what the kernel only caches of files."""
		root = system(
			tmp_path,
			proc__self__cgroup='0::/box\n',
			**{
				f'{V2}box__memory.max': f'{800 * KIB}\n',
				f'{V2}box__memory.current': f'{500 * KIB}\n',
				f'{V2}box__memory.stat': f'anon {200 * KIB}\ninactive_file {300 * KIB}\n',
			},
		)

		assert total_memory(root) == 800 * KIB
		assert available_memory(root) == 600 * KIB

	def test_limits_above_count_too(self, tmp_path: Path) -> None:
		"""A group without a limit of its own is held by those around it; a group in use beyond its limit has nothing."""
		root = system(
			tmp_path,
			proc__self__cgroup='0::/outer/inner\n',
			**{
				f'{V2}outer__inner__memory.max': 'max\n',
				f'{V2}outer__memory.max': f'{400 * KIB}\n',
				f'{V2}outer__memory.current': f'{500 * KIB}\n',
				f'{V2}outer__memory.stat': '',
			},
		)

		assert total_memory(root) == 400 * KIB
		assert available_memory(root) == 0

	def test_the_older_kind(self, tmp_path: Path) -> None:
		"""Inside a container its own path is not there, and the limit lies at the top; a huge one is none."""
		files = {f'{V1}memory.usage_in_bytes': f'{100 * KIB}', f'{V1}memory.stat': f'total_inactive_file {60 * KIB}\n'}
		groups = '5:cpu,cpuacct:/x\n4:memory:/docker/123\n0::/\n'
		limited = {f'{V1}memory.limit_in_bytes': f'{200 * KIB}', **files}
		root = system(tmp_path / 'limited', proc__self__cgroup=groups, **limited)
		unlimited = {f'{V1}memory.limit_in_bytes': '9223372036854771712', **files}
		free = system(tmp_path / 'free', proc__self__cgroup=groups, **unlimited)

		assert (total_memory(root), available_memory(root)) == (200 * KIB, 160 * KIB)
		assert (total_memory(free), available_memory(free)) == (2048 * KIB, 1024 * KIB)
