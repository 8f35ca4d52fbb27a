import pytest

from engine.causes import describe_exit, is_poisoned
from engine.events import Failure


class TestDescribeExit:
	"""Exit codes and signals in words."""

	@pytest.mark.parametrize(
		('code', 'told'),
		[
			(None, 'The worker process fell silent.'),
			(0, 'The worker process ended with exit code 0.'),
			(139, 'The worker process ended with exit code 139.'),
			(-11, 'The worker process was killed by signal SIGSEGV.'),
			(-9, 'The worker process was killed by signal SIGKILL. It may have run out of memory.'),
			(-250, 'The worker process was killed by signal 250.'),
		],
	)
	def test_in_words(self, code: int | None, told: str) -> None:
		"""A kill hints at its usual cause."""
		assert describe_exit(code) == told


class TestPoisoned:
	@pytest.mark.parametrize(
		'message',
		[
			'CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported',
			'CUDA error: an illegal memory access was encountered',
			'CUDA error: unspecified launch failure',
			'HIP error: an illegal memory access was encountered',
			'sampling failed: CUDA error: misaligned address',
		],
	)
	def test_errors_that_stay(self, message: str) -> None:
		"""After them nothing works on the device in this process."""
		assert is_poisoned(Failure(message=message, exception_type='torch.AcceleratorError'))

	@pytest.mark.parametrize(
		'message',
		[
			'CUDA out of memory. Tried to allocate 2.00 GiB.',
			'CUDA error: out of memory',
			'CUDA error: invalid argument',
			'illegal memory access',
			'unknown error',
			'',
		],
	)
	def test_errors_that_pass(self, message: str) -> None:
		"""Want of memory and mistakes of the caller leave the device as it was."""
		assert not is_poisoned(Failure(message=message, exception_type='RuntimeError'))

	def test_no_failure(self) -> None:
		"""A job that did not fail poisons nothing."""
		assert not is_poisoned(None)
