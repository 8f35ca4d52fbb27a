"""Draws how a training run went, from what `train` printed: `python -m nodes.demo.curve LOG --out curve.png`."""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

Points = Sequence[tuple[float, float]]

COLORS = ('#d22', '#27b', '#2a4', '#e80', '#83a', '#666', '#0aa', '#b58')
_LOSS = re.compile(r'^step (\d+) loss ([\d.]+)')
_VERDICT = re.compile(r'^judged at (\d+): (.+)$')
_SHARE = re.compile(r'([a-z ]+?) ([\d.]+)(?: |$)')
_SIZE, _MARGIN, _LEGEND = (640, 300), 34, 130


def read_log(text: str) -> dict[str, list[tuple[float, float]]]:
	"""Every curve of a log by its name, points of (step, value); where a run was taken up again, the later words count.

	>>> read_log('step 50 loss 0.5 0.1 s a step\\njudged at 50: color 0.9 pair color 0.5 score 0.7')
	{'loss': [(50, 0.5)], 'color': [(50, 0.9)], 'pair color': [(50, 0.5)]}
	"""
	curves: dict[str, dict[float, float]] = {}
	for line in text.splitlines():
		if loss := _LOSS.match(line):
			curves.setdefault('loss', {})[int(loss[1])] = float(loss[2])
		elif verdict := _VERDICT.match(line):
			for name, share in _SHARE.findall(verdict[2]):
				if name != 'score':
					curves.setdefault(name, {})[int(verdict[1])] = float(share)
	return {name: sorted(points.items()) for name, points in curves.items()}


def plot(curves: Mapping[str, Points]) -> Image.Image:
	"""All curves over the steps, from 0 to 1 upwards, with their names beside them."""
	width, height = _SIZE
	picture = Image.new('RGB', (width + _LEGEND, height), 'white')
	pen = ImageDraw.Draw(picture)
	last = max(step for points in curves.values() for step, _ in points)

	def spot(step: float, value: float) -> tuple[float, float]:
		across = _MARGIN + step / last * (width - 2 * _MARGIN)
		return across, height - _MARGIN - min(value, 1) * (height - 2 * _MARGIN)

	for tenth in range(0, 11, 2):
		_, y = spot(0, tenth / 10)
		pen.line([(_MARGIN, y), (width - _MARGIN, y)], fill='#ddd')
		pen.text((8, y - 6), f'{tenth / 10:.1f}', fill='black', font_size=11)
	for part in range(5):
		x, y = spot(last * part / 4, 0)
		pen.text((x - 12, y + 8), f'{last * part / 4:.0f}', fill='black', font_size=11)
	for index, (name, points) in enumerate(curves.items()):
		color = '#000' if name == 'loss' else COLORS[index % len(COLORS)]
		pen.line([spot(*point) for point in points], fill=color, width=2)
		pen.text((width - _MARGIN + 12, _MARGIN + 16 * index), f'{name} {points[-1][1]:.2f}', fill=color, font_size=12)
	return picture


def main() -> None:
	"""Reads the command line and draws."""
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument('log', type=Path)
	parser.add_argument('--out', type=Path, required=True)
	given = parser.parse_args()
	picture = plot(read_log(given.log.read_text()))
	picture.quantize(32).save(given.out, optimize=True)


if __name__ == '__main__':
	main()
