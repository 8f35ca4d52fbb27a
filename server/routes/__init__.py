"""Our own routes: what the dialect has no place for."""
