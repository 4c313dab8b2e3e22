"""R, the review of results: what a component's rows tell of the people and enterprises behind them."""
