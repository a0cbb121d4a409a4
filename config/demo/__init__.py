"""The demo: the whole stack with miniature platforms, a scenario, and a comparison of the orders with what is in the books."""
