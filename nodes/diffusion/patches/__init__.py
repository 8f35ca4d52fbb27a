"""Changes of weights: LoRA and its relatives, merges. `recipes` names them, the rest computes them."""
