"""What we measure, against whom. Every figure is a ratio of two measurements of one run, for machines are noisy."""
