"""Low-rank additions to a network's linear layers (Hu et al. 2021, "LoRA"): trained beside frozen weights, kept as kohya's files.

A file has, for each layer, `lora_unet_<module path with _ for .>.lora_down.weight`, `.lora_up.weight` and `.alpha`.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

PREFIX = 'lora_unet_'


class LowRank(nn.Module):
	"""A frozen linear layer and what is added to it."""

	def __init__(self, layer: nn.Linear, rank: int) -> None:
		super().__init__()
		self.layer = layer
		self.down = nn.Linear(layer.in_features, rank, bias=False)
		self.up = nn.Linear(rank, layer.out_features, bias=False)
		nn.init.kaiming_uniform_(self.down.weight, a=1)
		nn.init.zeros_(self.up.weight)

	def forward(self, x: Tensor) -> Tensor:
		y: Tensor = self.layer(x) + self.up(self.down(x))
		return y


def add_low_rank(network: nn.Module, rank: int) -> None:
	"""Freezes a network and puts a `LowRank` in the place of every linear layer of its attention blocks."""
	network.requires_grad_(False)
	for path, layer in list(_attention_layers(network)):
		owner, _, leaf = path.rpartition('.')
		setattr(network.get_submodule(owner), leaf, LowRank(layer, rank))


def save_lora(network: nn.Module, path: Path, title: str) -> None:
	"""Writes a network's additions as float16; alpha is the rank, so that they count as they are."""
	tensors = {}
	for module_path, module in network.named_modules():
		if isinstance(module, LowRank):
			name = _stored_name(module_path)
			tensors[f'{name}.lora_down.weight'] = module.down.weight.detach().half().contiguous()
			tensors[f'{name}.lora_up.weight'] = module.up.weight.detach().half().contiguous()
			tensors[f'{name}.alpha'] = torch.tensor(float(module.down.out_features)).half()
	save_file(tensors, path, metadata={'format': 'pt', 'title': title})


@torch.no_grad()
def merge_lora(network: nn.Module, path: Path, strength: float = 1.0) -> int:
	"""Adds what a file says to a network's own weights; gives the number of layers that changed."""
	tensors = load_file(path)
	changed = 0
	for module_path, layer in _attention_layers(network):
		name = _stored_name(module_path)
		if f'{name}.alpha' in tensors:
			down, up = (tensors[f'{name}.lora_{part}.weight'].float() for part in ('down', 'up'))
			layer.weight += strength * float(tensors[f'{name}.alpha']) / len(down) * (up @ down)
			changed += 1
	return changed


def _attention_layers(network: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
	for path, module in network.named_modules():
		if isinstance(module, nn.Linear) and '.transformer_blocks.' in path:
			yield path, module


def _stored_name(path: str) -> str:
	return PREFIX + path.replace('.', '_')
