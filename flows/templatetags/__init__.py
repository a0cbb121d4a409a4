"""What templates of the console may use."""
