"""Samplers: one function each, from noise down the sigmas, by the names that ComfyUI gives them.

None knows what a model is: `base.Task` tells what is asked of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from nodes.diffusion.samplers import ancestral, dpm, euler, multistep, res, sa_solver, sde, seeds, unipc
from nodes.diffusion.samplers.base import Denoise, DenoiseApart, Sampler, StepDone, Task

__all__ = [
	'FRESH_MASK_NOISE',
	'GROWING',
	'MORE_SAMPLERS',
	'SAMPLERS',
	'SKIPS_LAST_SIGMA',
	'Denoise',
	'DenoiseApart',
	'Sampler',
	'StepDone',
	'Task',
]

SAMPLERS: Mapping[str, Sampler] = {
	'euler': euler.euler,
	'euler_cfg_pp': ancestral.euler_cfg_pp,
	'euler_ancestral': ancestral.euler_ancestral,
	'euler_ancestral_cfg_pp': ancestral.euler_ancestral_cfg_pp,
	'heun': euler.heun,
	'heunpp2': euler.heunpp2,
	'dpm_2': dpm.dpm_2,
	'dpm_2_ancestral': ancestral.dpm_2_ancestral,
	'lms': multistep.lms,
	'dpm_fast': dpm.dpm_fast,
	'dpm_adaptive': dpm.dpm_adaptive,
	'dpmpp_2s_ancestral': ancestral.dpmpp_2s_ancestral,
	'dpmpp_2s_ancestral_cfg_pp': ancestral.dpmpp_2s_ancestral_cfg_pp,
	'dpmpp_sde': sde.dpmpp_sde,
	'dpmpp_sde_gpu': partial(sde.dpmpp_sde, cpu_noise=False),
	'dpmpp_2m': multistep.dpmpp_2m,
	'dpmpp_2m_cfg_pp': multistep.dpmpp_2m_cfg_pp,
	'dpmpp_2m_sde': sde.dpmpp_2m_sde,
	'dpmpp_2m_sde_gpu': partial(sde.dpmpp_2m_sde, cpu_noise=False),
	'dpmpp_2m_sde_heun': sde.dpmpp_2m_sde_heun,
	'dpmpp_2m_sde_heun_gpu': partial(sde.dpmpp_2m_sde_heun, cpu_noise=False),
	'dpmpp_3m_sde': sde.dpmpp_3m_sde,
	'dpmpp_3m_sde_gpu': partial(sde.dpmpp_3m_sde, cpu_noise=False),
	'ddpm': ancestral.ddpm,
	'lcm': ancestral.lcm,
	'ipndm': multistep.ipndm,
	'ipndm_v': multistep.ipndm_v,
	'deis': multistep.deis,
	'res_multistep': res.res_multistep,
	'res_multistep_cfg_pp': res.res_multistep_cfg_pp,
	'res_multistep_ancestral': res.res_multistep_ancestral,
	'res_multistep_ancestral_cfg_pp': res.res_multistep_ancestral_cfg_pp,
	'gradient_estimation': euler.gradient_estimation,
	'gradient_estimation_cfg_pp': euler.gradient_estimation_cfg_pp,
	'er_sde': sde.er_sde,
	'seeds_2': seeds.seeds_2,
	'seeds_3': seeds.seeds_3,
	'sa_solver': sa_solver.sa_solver,
	'sa_solver_pece': sa_solver.sa_solver_pece,
	'ddim': euler.euler,
	'uni_pc': unipc.uni_pc,
	'uni_pc_bh2': unipc.uni_pc_bh2,
	'exp_heun_2_x0': seeds.exp_heun_2_x0,
	'exp_heun_2_x0_sde': seeds.exp_heun_2_x0_sde,
}

MORE_SAMPLERS: Mapping[str, Sampler] = {'lcm_upscale': ancestral.lcm_upscale}
"""Those that KSampler does not offer."""

GROWING = frozenset({'lcm_upscale'})
"""Samplers whose latents do not keep their size."""

SKIPS_LAST_SIGMA = frozenset({'dpm_2', 'dpm_2_ancestral', 'uni_pc', 'uni_pc_bh2'})
"""Samplers for which KSampler plans one step more, and leaves out the last sigma before 0."""

FRESH_MASK_NOISE = frozenset({'ddim'})
"""Samplers that show the masked part of a latent under other noise than that of the start."""
