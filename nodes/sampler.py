"""Samplers as values, with their options, for the nodes that take one."""

from __future__ import annotations

from typing import Annotated

from engine.declaration import Choice, Number, Toggle
from engine.models import ModelRef
from engine.spec import node
from nodes.diffusion.names import SAMPLERS
from nodes.steering import Sampler
from nodes.values import DiffusionModel

CATEGORY = 'sampling/custom_sampling/samplers'


def _real(default: float, least: float = 0.0, most: float = 100.0) -> Number:
	return Number(default=default, min=least, max=most, step=0.01, round=False)


Eta = Annotated[float, _real(1.0), 'How much noise each step adds; 0 is none.']
NoiseSize = Annotated[float, _real(1.0), 'What the added noise is multiplied by.']
NoiseDevice = Annotated[str, Choice(options=('gpu', 'cpu')), 'Where noise is drawn: each gives another.']


@node(kind='KSamplerSelect', category=CATEGORY, lane='cpu')
def select(sampler_name: Annotated[str, Choice(options=SAMPLERS), 'How each step is taken.']) -> Sampler:
	"""A sampler by its name."""
	return Sampler(sampler_name)


@node(kind='SamplerEulerAncestral', category=CATEGORY, lane='cpu')
def euler_ancestral(eta: Eta, s_noise: NoiseSize) -> Sampler:
	"""Euler steps with fresh noise after each."""
	return _made('euler_ancestral', eta=eta, s_noise=s_noise)


@node(kind='SamplerEulerAncestralCFGPP', title='SamplerEulerAncestralCFG++', category=CATEGORY, lane='cpu')
def euler_ancestral_cfg_pp(
	eta: Annotated[float, _real(1.0, 0.0, 1.0), 'How much noise each step adds; 0 is none.'],
	s_noise: Annotated[float, _real(1.0, 0.0, 10.0), 'What the added noise is multiplied by.'],
) -> Sampler:
	"""Euler steps with fresh noise after each, with CFG++."""
	return _made('euler_ancestral_cfg_pp', eta=eta, s_noise=s_noise)


@node(kind='SamplerEulerCFGpp', experimental=True, title='SamplerEulerCFG++', category='_for_testing', lane='cpu')
def euler_cfg_pp(
	version: Annotated[
		str, Choice(options=('regular', 'alternative')), 'Which slope: the unguided one, or twice guided less unguided.'
	],
) -> Sampler:
	"""Euler steps with CFG++."""
	return _made('euler_cfg_pp', alternative=True) if version == 'alternative' else Sampler('euler_cfg_pp')


@node(kind='SamplerLMS', category=CATEGORY, lane='cpu')
def lms(order: Annotated[int, Number(default=4, min=1, max=100), 'How many slopes are used.']) -> Sampler:
	"""Linear multistep."""
	return _made('lms', order=order)


@node(kind='SamplerDPMPP_3M_SDE', category=CATEGORY, lane='cpu')
def dpmpp_3m_sde(eta: Eta, s_noise: NoiseSize, noise_device: NoiseDevice) -> Sampler:
	"""DPM-Solver++(3M) SDE."""
	return _made(_on('dpmpp_3m_sde', noise_device), eta=eta, s_noise=s_noise)


@node(kind='SamplerDPMPP_2M_SDE', category=CATEGORY, lane='cpu')
def dpmpp_2m_sde(
	solver_type: Annotated[str, Choice(options=('midpoint', 'heun')), 'How the last guess is weighed.'],
	eta: Eta,
	s_noise: NoiseSize,
	noise_device: NoiseDevice,
) -> Sampler:
	"""DPM-Solver++(2M) SDE."""
	return _made(_on('dpmpp_2m_sde', noise_device), eta=eta, s_noise=s_noise, solver_type=solver_type)


@node(kind='SamplerDPMPP_SDE', category=CATEGORY, lane='cpu')
def dpmpp_sde(
	eta: Eta,
	s_noise: NoiseSize,
	r: Annotated[float, _real(0.5), 'At which part of a step the second look is.'],
	noise_device: NoiseDevice,
) -> Sampler:
	"""DPM-Solver++ SDE, with two looks a step."""
	return _made(_on('dpmpp_sde', noise_device), eta=eta, s_noise=s_noise, r=r)


@node(kind='SamplerDPMPP_2S_Ancestral', category=CATEGORY, lane='cpu')
def dpmpp_2s_ancestral(eta: Eta, s_noise: NoiseSize) -> Sampler:
	"""DPM-Solver++(2S) with fresh noise after each step."""
	return _made('dpmpp_2s_ancestral', eta=eta, s_noise=s_noise)


@node(kind='SamplerDPMAdaptative', category=CATEGORY, lane='cpu')
def dpm_adaptive(
	order: Annotated[int, Number(default=3, min=2, max=3), 'Looks a step.'],
	rtol: Annotated[float, _real(0.05), 'By what part of a value two orders may differ.'],
	atol: Annotated[float, _real(0.0078), 'By how much they may differ in any case.'],
	h_init: Annotated[float, _real(0.05), 'The first step, in log sigma.'],
	pcoeff: Annotated[float, _real(0.0), 'How much the error counts for the next step.'],
	icoeff: Annotated[float, _real(1.0), 'How much the sum of errors counts.'],
	dcoeff: Annotated[float, _real(0.0), 'How much the change of the error counts.'],
	accept_safety: Annotated[float, _real(0.81), 'A step must not be to shrink more than to this, to stand.'],
	eta: Annotated[float, _real(0.0), 'How much noise each step adds; 0 is none.'],
	s_noise: NoiseSize,
) -> Sampler:
	"""DPM-Solver that finds its own steps: of the noise levels only the first and the last count."""
	return _made(
		'dpm_adaptive',
		order=order,
		rtol=rtol,
		atol=atol,
		h_init=h_init,
		pcoeff=pcoeff,
		icoeff=icoeff,
		dcoeff=dcoeff,
		accept_safety=accept_safety,
		eta=eta,
		s_noise=s_noise,
	)


@node(kind='SamplerER_SDE', category=CATEGORY, lane='cpu')
def er_sde(
	solver_type: Annotated[str, Choice(options=('ER-SDE', 'Reverse-time SDE', 'ODE')), 'How noise is scaled.'],
	max_stage: Annotated[int, Number(default=3, min=1, max=3), 'The highest order.'],
	eta: Annotated[float, _real(1.0), 'How much noise the reverse-time SDE adds; 0 is none.'],
	s_noise: NoiseSize,
) -> Sampler:
	"""The extended reverse-time SDE solver."""
	return _made('er_sde', solver_type=solver_type, max_stage=max_stage, eta=eta, s_noise=s_noise)


@node(kind='SamplerSASolver', category=CATEGORY, lane='cpu')
def sa_solver(
	model: Annotated[ModelRef[DiffusionModel], 'The model that is sampled.'],
	eta: Annotated[float, _real(1.0, 0.0, 10.0), 'How much noise each step adds; 0 is none.'],
	sde_start_percent: Annotated[
		float, Number(default=0.2, min=0.0, max=1.0, step=0.001), 'From this part of the way there is noise.'
	],
	sde_end_percent: Annotated[
		float, Number(default=0.8, min=0.0, max=1.0, step=0.001), 'To this part of the way there is noise.'
	],
	s_noise: NoiseSize,
	predictor_order: Annotated[int, Number(default=3, min=1, max=6), 'Guesses that a step is predicted from.'],
	corrector_order: Annotated[int, Number(default=4, min=0, max=6), 'Guesses that a step is corrected by.'],
	use_pece: Annotated[bool, Toggle(), 'Whether to look again at what was corrected.'],
	simple_order_2: Annotated[bool, Toggle(), 'Whether order 2 takes the short form.'],
) -> Sampler:
	"""The stochastic Adams solver; parts of the way are those of the model that is sampled."""
	del model
	return _made(
		'sa_solver',
		eta=eta,
		sde_start_percent=sde_start_percent,
		sde_end_percent=sde_end_percent,
		s_noise=s_noise,
		predictor_order=predictor_order,
		corrector_order=corrector_order,
		use_pece=use_pece,
		simple_order_2=simple_order_2,
	)


@node(kind='SamplerSEEDS2', category='model/sampling/samplers', lane='cpu')
def seeds_2(
	solver_type: Annotated[str, Choice(options=('phi_1', 'phi_2')), 'How the second look is weighed.'],
	eta: Eta,
	s_noise: NoiseSize,
	r: Annotated[float, _real(0.5, 0.01, 1.0), 'At which part of a step the second look is.'],
) -> Sampler:
	"""SEEDS-2; with `r` 1 and `phi_2` it is exponential Heun."""
	return _made('seeds_2', solver_type=solver_type, eta=eta, s_noise=s_noise, r=r)


@node(kind='SamplerLCM', category='model/sampling/samplers', lane='cpu')
def lcm(
	s_noise: Annotated[float, Number(default=1.0, min=0.0, max=64.0, step=0.01), 'What the noise is multiplied by.'],
	s_noise_end: Annotated[float, Number(default=1.0, min=0.0, max=64.0, step=0.01), 'The same at the last step.'],
	noise_clip_std: Annotated[
		float, Number(default=0.0, min=0.0, max=10.0, step=0.01), 'At how many deviations noise is cut; 0 is never.'
	],
) -> Sampler:
	"""Jumps to the guess, then fresh noise: for latent consistency models."""
	return _made('lcm', s_noise=s_noise, s_noise_end=s_noise_end, noise_clip_std=noise_clip_std)


@node(kind='SamplerLCMUpscale', category=CATEGORY, lane='cpu')
def lcm_upscale(
	scale_ratio: Annotated[
		float, Number(default=1.0, min=0.1, max=20.0, step=0.01), 'How many times as long the sides become.'
	],
	scale_steps: Annotated[
		int, Number(default=-1, min=-1, max=1000), 'Over how many steps it grows; -1 is the first half.'
	],
	upscale_method: Annotated[
		str,
		Choice(options=('bislerp', 'nearest-exact', 'bilinear', 'area', 'bicubic')),
		'How what lies between is found.',
	],
) -> Sampler:
	"""LCM that enlarges the latent while it samples."""
	return _made('lcm_upscale', scale_ratio=scale_ratio, scale_steps=scale_steps, upscale_method=upscale_method)


def _made(name: str, **options: str | float | bool) -> Sampler:
	return Sampler(name, tuple(options.items()))


def _on(name: str, device: str) -> str:
	return name if device == 'cpu' else f'{name}_gpu'
