"""What every unit test may rely on."""

from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
