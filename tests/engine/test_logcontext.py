"""What log lines are about."""

from __future__ import annotations

import asyncio

import pytest

from engine.logcontext import JOB, NODE, REQUEST, about


def now() -> tuple[str, str, str]:
	"""What a line would be about."""
	return REQUEST.get(), JOB.get(), NODE.get()


class TestAbout:
	"""A context that is entered and left."""

	def test_inner_adds_to_outer(self) -> None:
		"""What is not given stays; what was before comes back."""
		with about(request='r', job='j'):
			with about(node='n'):
				assert now() == ('r', 'j', 'n')
			with about(job=''):
				assert now() == ('r', '', '')
			assert now() == ('r', 'j', '')
		assert now() == ('', '', '')

	def test_it_is_left_by_an_exception_too(self) -> None:
		"""The next line is about something else."""
		with pytest.raises(RuntimeError), about(job='j'):
			raise RuntimeError

		assert now() == ('', '', '')

	def test_what_is_set_inside_ends_with_it(self) -> None:
		"""A handler may find out later what it is about; the next request of the connection is about nothing yet."""
		with about(request='r', job=''):
			JOB.set('found')
			assert now() == ('r', 'found', '')
		assert JOB.get() == ''

	async def test_tasks_do_not_mix(self) -> None:
		"""Each of two that run at once has its own."""
		met = asyncio.Barrier(2)

		async def work(job: str) -> str:
			with about(job=job):
				async with met:
					return JOB.get()

		assert tuple(await asyncio.gather(work('one'), work('two'))) == ('one', 'two')
