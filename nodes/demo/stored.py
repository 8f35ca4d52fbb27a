"""The parts of a single file of the demo model as modules that can be trained further."""

from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import safe_open
from transformers import CLIPTextModel

from nodes.demo.parts import make_text_encoder, make_unet, make_vae
from nodes.diffusion.keys import bare_text_name, text_names, unet_names, vae_names


def stored_unet(path: Path) -> UNet2DConditionModel:
	"""The denoiser; what hears the text begins anew where its width was another one."""
	unet = make_unet()
	names, own = unet_names(unet.config), unet.state_dict()
	with safe_open(path, 'pt') as file:
		stored = {name: file.get_tensor(names[name]).float() for name in own}
	unet.load_state_dict(
		{name: value if value.shape == own[name].shape else own[name] for name, value in stored.items()}
	)
	return unet


def stored_vae(path: Path) -> AutoencoderKL:
	"""The coder."""
	vae = make_vae()
	names, own = vae_names(vae.config), vae.state_dict()
	with safe_open(path, 'pt') as file:
		vae.load_state_dict({name: file.get_tensor(names[name]).float().reshape(own[name].shape) for name in own})
	return vae


def stored_text_encoder(path: Path, vocabulary: int) -> CLIPTextModel:
	"""The text encoder."""
	text = make_text_encoder(vocabulary)
	names = text_names(text.config.to_dict())
	with safe_open(path, 'pt') as file:
		text.load_state_dict({name: file.get_tensor(names[bare_text_name(name)]).float() for name in text.state_dict()})
	text.train(False)
	return text
