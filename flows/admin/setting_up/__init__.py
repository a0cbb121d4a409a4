"""The pages of the guided path, one step each; `urls.py` lists them."""
