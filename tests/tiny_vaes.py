"""Tiny autoencoders, built here as their author's own code builds them, layer after layer."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

WIDTH = 8


class Block(nn.Module):
	"""Three convolutions, with what came in added."""

	def __init__(self) -> None:
		super().__init__()
		layers = [nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(3)]
		self.conv = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])

	def forward(self, x: Tensor) -> Tensor:
		return torch.relu(self.conv(x) + x)


class Clamp(nn.Module):
	"""What the decoder begins with."""

	def forward(self, x: Tensor) -> Tensor:
		return torch.tanh(x / 3) * 3


def halves(channels: int) -> tuple[nn.Sequential, nn.Sequential]:
	"""An encoder and a decoder with random weights."""
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(0)

		def halving() -> nn.Module:
			return nn.Conv2d(WIDTH, WIDTH, 3, padding=1, stride=2, bias=False)

		encoder: list[nn.Module] = [nn.Conv2d(3, WIDTH, 3, padding=1), Block()]
		decoder: list[nn.Module] = [Clamp(), nn.Conv2d(channels, WIDTH, 3, padding=1), nn.ReLU()]
		for _ in range(3):
			encoder += [halving(), Block(), Block(), Block()]
			decoder += [Block(), Block(), Block(), nn.Upsample(scale_factor=2)]
			decoder += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)]
		encoder.append(nn.Conv2d(WIDTH, channels, 3, padding=1))
		decoder += [Block(), nn.Conv2d(WIDTH, 3, 3, padding=1)]
	return nn.Sequential(*encoder).requires_grad_(False), nn.Sequential(*decoder).requires_grad_(False)


def save(folder: Path, name: str, encoder: nn.Module, decoder: nn.Module) -> tuple[Path, Path]:
	"""Write both halves as people have them; gives the decoder's file and the encoder's."""
	folder.mkdir(parents=True, exist_ok=True)
	paths = (folder / f'{name}_decoder.safetensors', folder / f'{name}_encoder.safetensors')
	for path, half in zip(paths, (decoder, encoder), strict=True):
		save_file(half.state_dict(), path)
	return paths
