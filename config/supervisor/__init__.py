"""The supervisor: starts the broker, web, worker and beat of one machine, restarts what dies, leaves nothing behind."""
