"""People: how they are invited, how they log in, what they may do, and how they are let go."""
