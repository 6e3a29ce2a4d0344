"""What pictures cost a page in a real Chromium: ``python -m benchmarks.browser [--quick]``."""
