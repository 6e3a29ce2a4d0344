"""The agent's tools and the providers behind them."""
