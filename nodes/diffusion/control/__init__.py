"""Networks that steer a denoiser by a picture: ControlNets and T2I-Adapters."""
