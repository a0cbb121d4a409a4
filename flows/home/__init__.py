"""What the console's first page tells: what needs attention, how the connections are, what was booked, and whether it ties out."""
