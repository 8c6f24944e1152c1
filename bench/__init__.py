"""The benchmark suite: what costwatch does beside the cheapest thing that could do the same, in one run."""
