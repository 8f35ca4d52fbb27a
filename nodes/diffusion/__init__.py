"""The diffusion library under the nodes: files to networks, text to embeddings, noise to latents, latents to pixels."""
