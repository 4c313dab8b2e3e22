"""M, the review of models: what a component's SQL would let through, found without running it."""
