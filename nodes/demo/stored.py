"""The parts of a single file of the demo model as modules that can be trained further."""

from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import safe_open
from transformers import CLIPTextModel

from nodes.demo.layouts import text_layout, unet_layout, vae_layout
from nodes.demo.parts import make_text_encoder, make_unet, make_vae


def stored_unet(path: Path) -> UNet2DConditionModel:
	"""The denoiser; what hears the text begins anew where its width was another one."""
	unet = make_unet()
	layout, own = unet_layout(unet.config), unet.state_dict()
	with safe_open(path, 'pt') as file:
		read = {name: file.get_tensor(piece.name).float() for name, (piece,) in layout.items()}
	unet.load_state_dict(
		{name: read[name] if read[name].shape == value.shape else value for name, value in own.items()}
	)
	return unet


def stored_vae(path: Path) -> AutoencoderKL:
	"""The coder."""
	vae = make_vae()
	layout, own = vae_layout(vae.config), vae.state_dict()
	with safe_open(path, 'pt') as file:
		read = {name: file.get_tensor(piece.name).float() for name, (piece,) in layout.items()}
	vae.load_state_dict({name: read[name].reshape(value.shape) for name, value in own.items()})
	return vae


def stored_text_encoder(path: Path, vocabulary: int) -> CLIPTextModel:
	"""The text encoder."""
	text = make_text_encoder(vocabulary)
	layout = text_layout(text)
	with safe_open(path, 'pt') as file:
		text.load_state_dict({name: file.get_tensor(piece.name).float() for name, (piece,) in layout.items()})
	text.train(False)
	return text
