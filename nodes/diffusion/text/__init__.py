"""Text: weights in prompts, the towers that encode it, and how a family's towers are heard together."""
