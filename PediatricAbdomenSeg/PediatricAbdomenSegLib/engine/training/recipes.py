"""What each bundled model is trained on and how: the only place with numbers to tune."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import UsageError


@dataclass(frozen=True)
class NetworkSize:
    """Limits the planner works under, small enough for a network that segments on a CPU within seconds.

    Attributes:
        spacing_mm: voxel size ``(z, y, x)`` the network works at.
        patch_limit: largest patch ``(z, y, x)`` in voxels; the planner rounds it up to what the pooling divides.
        base_features: channels of the first stage; each later stage doubles them up to ``max_features``.
        max_features: channels of the deepest stages.
        full_resolution_convolutions: convolutions per stage at full resolution; the other stages have two. One
            instead of two saves a third of the time.
        batch_size: patches per iteration.
    """

    spacing_mm: tuple[float, float, float]
    patch_limit: tuple[int, int, int]
    base_features: int = 16
    max_features: int = 160
    full_resolution_convolutions: int = 1
    batch_size: int = 2


@dataclass(frozen=True)
class Schedule:
    """How long to train.

    Attributes:
        epochs: number of epochs; the learning rate falls to zero over them.
        iterations_per_epoch: batches between two checkpoints.
        validation_iterations: batches of held-out phantoms per epoch, for the log only.
        time_budget_minutes: when given, the iterations of each later epoch are chosen so that all epochs together
            take about this long, whatever the speed of the machine.
        seed: of the weights and of the augmentation.
        foreground_share: share of patches centred on a structure, each structure as often as another.
        full_weights_until: share of the training with full class weights, which then fade; see
            ``trainer.faded_weights``. 1 for a single rare class, which would else be drawn too small.
    """

    epochs: int
    iterations_per_epoch: int
    validation_iterations: int = 2
    time_budget_minutes: float | None = None
    seed: int = 20240
    foreground_share: float = 0.5
    full_weights_until: float = 0.6


@dataclass(frozen=True)
class Recipe:
    """Everything that defines one demonstration bundle.

    Attributes:
        name: bundle name.
        title: bundle title, for people.
        target: what is segmented, for people.
        dataset_id: nnU-Net's number of the data set.
        organ_keys: keys of the organ table in the order of the network's label values, which start at 1.
        merged_into: organ key to organ key: structures of the phantom that count as another one.
        intensity_window_hu: intensities are confined to this range before nnU-Net sees them; None leaves them.
        contrast: contrast phase of the training images, for the manifest.
        contrast_share: share of phantoms with intravenous contrast.
        single_piece_organs: keys of organs of which only the largest connected component is kept.
        minimum_volume_ml: key to volume below which an organ that was found counts as a false finding.
        tumour_share: share of phantoms with a hepatoblastoma.
        nephrectomy_share: share of phantoms with one kidney removed.
        youth: exponent of the age distribution: ages are 17 years times u to this power, u even in 0 to 1. 1 gives
            every age alike, 2 a median of 4 years.
        cases: number of phantoms.
        first_seed: seed of the first phantom; the others follow one by one.
        network: limits of the network.
        schedule: length of the training.
    """

    name: str
    title: str
    target: str
    dataset_id: int
    organ_keys: tuple[str, ...]
    tumour_share: float
    nephrectomy_share: float
    cases: int
    first_seed: int
    network: NetworkSize
    schedule: Schedule
    contrast: str = "with and without intravenous contrast"
    contrast_share: float = 0.6
    youth: float = 1.0
    single_piece_organs: tuple[str, ...] = ()
    minimum_volume_ml: dict[str, float] = field(default_factory=dict)
    intensity_window_hu: tuple[float, float] | None = None
    merged_into: dict[str, str] = field(default_factory=dict)

    @property
    def dataset_name(self) -> str:
        """nnU-Net's folder name of the data set."""
        return f"Dataset{self.dataset_id:03d}_{self.name.replace('-', '_')}"


MULTI_ORGAN = Recipe(
    name="multi-organ",
    title="Organs at risk of the upper abdomen (demonstration)",
    target="19 organs at risk of a child's upper abdomen",
    dataset_id=701,
    organ_keys=(
        "spleen",
        "lung_left",
        "lung_right",
        "kidney_left",
        "kidney_right",
        "liver",
        "heart",
        "pancreas",
        "stomach_bowel",
        "vertebrae",
        "spinal_canal",
        "abdominal_aorta",
        "inferior_vena_cava",
        "autochthonous_muscle_left",
        "autochthonous_muscle_right",
        "iliopsoas_left",
        "iliopsoas_right",
        "adrenal_gland_left",
        "adrenal_gland_right",
    ),
    merged_into={"hepatoblastoma": "liver"},
    single_piece_organs=(
        "spleen",
        "lung_left",
        "lung_right",
        "kidney_left",
        "kidney_right",
        "liver",
        "heart",
        "pancreas",
        "spinal_canal",
        "iliopsoas_left",
        "iliopsoas_right",
    ),
    # A newborn's kidney has about 10 ml; clearly less is a false finding in the bed of a removed one.
    minimum_volume_ml={"kidney_left": 7.0, "kidney_right": 7.0},
    tumour_share=0.2,
    nephrectomy_share=0.3,
    cases=200,
    first_seed=100_000,
    network=NetworkSize(spacing_mm=(3.0, 3.0, 3.0), patch_limit=(80, 64, 96)),
    schedule=Schedule(epochs=75, iterations_per_epoch=24),
)

HEPATOBLASTOMA_CT = Recipe(
    name="hepatoblastoma-ct",
    title="Hepatoblastoma on contrast-enhanced CT (demonstration)",
    target="hepatoblastoma",
    dataset_id=702,
    organ_keys=("hepatoblastoma",),
    intensity_window_hu=(0.0, 350.0),
    single_piece_organs=("hepatoblastoma",),
    contrast="portal-venous phase",
    contrast_share=1.0,
    tumour_share=0.8,
    nephrectomy_share=0.1,
    # Hepatoblastoma is a tumour of the first five years, whose livers are also the smallest and hardest.
    youth=2.0,
    cases=160,
    first_seed=200_000,
    network=NetworkSize(spacing_mm=(3.0, 3.0, 3.0), patch_limit=(64, 64, 64), max_features=80),
    schedule=Schedule(epochs=120, iterations_per_epoch=40, foreground_share=1.0, full_weights_until=1.0),
)

RECIPES: tuple[Recipe, ...] = (MULTI_ORGAN, HEPATOBLASTOMA_CT)


def recipe_by_name(name: str) -> Recipe:
    """The recipe of a bundle.

    Raises:
        UsageError: there is no such recipe.
    """
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    raise UsageError(
        f"There is no recipe for a bundle named {name!r}.",
        f"Choose one of: {', '.join(recipe.name for recipe in RECIPES)}.",
    )
