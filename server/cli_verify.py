"""`lumengraph verify`: whether a picture comes out again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from server.cli_codes import FAILED, INTERRUPTED, OK
from server.cli_flags import settings_from

if TYPE_CHECKING:
	from engine.likeness import Likeness
	from engine.verify import Verification

SHOWN = 16
VERDICTS = {
	'exact': 'the same, pixel by pixel',
	'alike': 'alike',
	'differs': 'another picture',
	'failed': 'the run failed',
	'cancelled': 'cancelled',
}


def add_verify_command(parser: argparse.ArgumentParser) -> None:
	"""The grammar of `verify`."""
	parser.epilog = (
		'exit codes: 0 it came out the same, or alike enough under other circumstances; 1 it did not; '
		'2 it cannot be run here; 130 cancelled'
	)
	parser.add_argument('picture', type=Path, metavar='PICTURE', help='a picture that carries its workflow')
	parser.add_argument(
		'--tolerance',
		type=similarity,
		default=0.95,
		metavar='SSIM',
		help='how similar it must be where versions or devices are others, 0 to 1 (default: %(default)s)',
	)
	parser.add_argument('--json', action='store_true', help='print what came of it as JSON')
	parser.set_defaults(command=_verify)


def similarity(text: str) -> float:
	"""A number from 0 to 1."""
	try:
		number = float(text)
	except ValueError:
		number = -1.0
	if not 0 <= number <= 1:
		raise argparse.ArgumentTypeError(f'{text!r} is no number from 0 to 1')
	return number


def _verify(options: argparse.Namespace) -> int:
	from engine.cancel import CancelToken
	from engine.verify import verify
	from server.cli_local import cancel_on_interrupt
	from server.cli_teller import Teller, stderr_console

	cancel = CancelToken()
	with Teller(stderr_console()) as teller, cancel_on_interrupt(cancel):
		found = verify(
			options.picture,
			settings_from(options),
			tolerance=options.tolerance,
			cancel=cancel,
			publish=teller.hear,
		)
	if options.json:
		print(found.model_dump_json(indent=2))
	else:
		print('\n'.join([f'{options.picture}: {VERDICTS[found.verdict]}', *in_words(found)]))
	if found.verdict == 'cancelled':
		return INTERRUPTED
	return OK if found.holds else FAILED


def in_words(found: Verification) -> Iterator[str]:
	"""What there is to say beside the verdict."""
	if found.failure is not None:
		yield f'  node {found.failure.node!r} ({found.failure.kind}): {found.failure.message}'
		return
	if found.likeness is None:
		yield '  the run made no picture of this size'
	elif not found.likeness.exact:
		yield f'  {figures(found.likeness)} (similar enough from {found.tolerance} on)'
	if not found.recorded:
		yield '  it does not say what it was made with'
	for change in (*found.changes, *found.files):
		yield f'  {change.what}: {change.before[:SHOWN] or "none"} → {change.after[:SHOWN] or "none"}'
	if found.verdict == 'differs' and found.recorded and not found.changes and not found.files:
		yield '  versions, devices, settings, models and inputs are those that it was made with'


def figures(likeness: Likeness) -> str:
	"""The figures of a comparison."""
	psnr = f', {likeness.psnr:.1f} dB' if likeness.psnr is not None else ''
	return f'similarity {likeness.ssim:.4f}{psnr}; levels differ by {likeness.largest:.0f} at most, {likeness.mean:.2f} in the mean'
