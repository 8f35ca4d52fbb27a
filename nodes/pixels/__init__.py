"""The mathematics of pixels and latents under the nodes: tensors in, tensors out. It knows no node."""
