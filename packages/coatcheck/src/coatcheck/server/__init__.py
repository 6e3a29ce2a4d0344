"""The media service by itself: ``coatcheck serve``, its settings, its logs, its readiness."""
