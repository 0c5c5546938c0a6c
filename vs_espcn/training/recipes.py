"""Define how a network is trained: patches, optimiser, learning rate, averaging.

``modern`` is the default and trained the shipped networks; ``paper`` follows
Shi et al. ``docs/explanation/training.md`` gives reasons and figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytorch_optimizer import SOAP
from torch.optim import SGD, Optimizer

from vs_espcn.errors import InputError
from vs_espcn.training.data.dataset import Pair
from vs_espcn.training.data.patches import GridPatches, Patches, RandomPatches
from vs_espcn.training.networks.layers import Network, ThreeLayers
from vs_espcn.training.schedule import Cosine, Plateau, Schedule


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to train.

    Attributes:
        name: Its name for ``--recipe``.
        patch: Height and width of a patch at low resolution.
        shares: Relative sizes at which each training image is used, 1 for its own.
        steps: Default length of a run.
        averaging: Decay of the running mean of the weights, which is measured
            and exported; 0 turns averaging off.
        bfloat16: True to train convolutions in bfloat16, twice as fast on
            hardware that has it; weights and results stay float32.
        optimizer: Makes the optimiser; a ``speed`` in one of its groups
            multiplies the learning rate.
        course: Makes patches and schedule from training images and seed.
    """

    name: str
    patch: int
    shares: tuple[float, ...]
    steps: int
    averaging: float
    bfloat16: bool
    optimizer: Callable[[Network], Optimizer]
    course: Callable[[Sequence[Pair], int], tuple[Patches, Schedule]]


def find_recipe(name: str) -> Recipe:
    """Look up a recipe.

    Args:
        name: ``modern`` or ``paper``.

    Raises:
        InputError: There is no such recipe.
    """
    for recipe in (MODERN, PAPER):
        if recipe.name == name:
            return recipe
    raise InputError(f"recipe {name!r} does not exist; choose modern or paper")


def _modern_optimizer(network: Network) -> Optimizer:
    # At the full rate a thin network lost all channels of a layer at once after 6000 steps.
    speed = 1.0 if isinstance(network, ThreeLayers) else 0.5
    return SOAP(
        [{"params": list(network.parameters()), "speed": speed}],
        lr=0.0,
        betas=(0.9, 0.99),
        weight_decay=0.0,
        precondition_frequency=10,
        eps=1e-12,
    )


def _modern_course(pairs: Sequence[Pair], seed: int) -> tuple[Patches, Schedule]:
    return RandomPatches(pairs, size=32, batch=16, seed=seed), Cosine(peak=6e-3, warm_up=200)


def _paper_optimizer(network: Network) -> Optimizer:
    if not isinstance(network, ThreeLayers):
        raise InputError(f"--recipe paper does not train {network.name}; leave it out")
    features = [*network.conv1.parameters(), *network.conv2.parameters()]
    groups = [
        {"params": features, "speed": 1.0},
        {"params": list(network.conv3.parameters()), "speed": 0.1},
    ]
    return SGD(groups, lr=0.0, momentum=0.9)


def _paper_course(pairs: Sequence[Pair], seed: int) -> tuple[Patches, Schedule]:
    reach = 5 // 2 + 3 // 2 + 3 // 2  # radius of the receptive field
    patches = GridPatches(pairs, size=17, stride=17 - reach, batch=16, seed=seed)
    schedule = Plateau(
        first=1e-2, last=1e-4, threshold=1e-3, patience=100, batches_per_epoch=patches.batches_per_epoch
    )
    return patches, schedule


MODERN = Recipe(
    name="modern",
    patch=32,
    shares=(1.0, 0.75, 0.5),
    steps=200_000,
    averaging=0.998,
    bfloat16=True,
    optimizer=_modern_optimizer,
    course=_modern_course,
)
PAPER = Recipe(
    name="paper",
    patch=17,
    shares=(1.0,),
    steps=10_000_000,
    averaging=0.0,
    bfloat16=False,
    optimizer=_paper_optimizer,
    course=_paper_course,
)
