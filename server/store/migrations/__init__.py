"""How the tables came to be as they are, step by step; run at start by `server.store.database`."""
