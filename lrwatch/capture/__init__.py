"""What a step of a training was, measured at the least cost; but for `own_loop`, with torch."""
