"""Tokens of fencing aliases. Running jobs depend on their form: it must not change."""


def pass_token(number: int) -> str:
    """The token of the workers that copy the intervals of a pass."""
    return str(number)


def step_token(fence: int) -> str:
    """The token of the one worker that does a step alone. fence: of the lease on the step."""
    return f"led-{fence}"
