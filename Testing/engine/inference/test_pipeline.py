from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.stock_nnunet import stock_labels, stock_predictor, write_results_folder
from PediatricAbdomenSegLib.engine.cases.volume import DicomReferences, Volume
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError, ModelError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.inference.model_cache import ModelCache
from PediatricAbdomenSegLib.engine.inference.pipeline import InferenceOptions, segment
from PediatricAbdomenSegLib.engine.models.store import find_bundle, open_bundle
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.progress import CancelToken
from toy_bundle import MODEL_SPACING_MM, ORGANS, make_child, make_plans, train_weights, write_bundle

EXACT = InferenceOptions(device="cpu", exact=True)
DEFAULT = InferenceOptions(device="cpu")
ORIENTATIONS = {  # source axis and direction of the canonical z, y, x
    "head first supine": ((0, 1, 2), (False, False, False)),
    "head first prone": ((0, 1, 2), (False, True, True)),
    "feet first supine": ((0, 1, 2), (True, False, True)),
    "feet first prone": ((0, 1, 2), (True, True, False)),
    "sagittal slices": ((2, 0, 1), (False, True, False)),
    "coronal slices": ((1, 0, 2), (True, True, False)),
}


def turned(volume: Volume, axes, flips) -> Volume:
    """The same patient, stored with other array axes and directions."""
    array = volume.array.transpose(axes)
    affine = np.eye(4)
    origin = volume.geometry.affine[:3, 3].copy()
    for new_axis, (old_axis, flip) in enumerate(zip(axes, flips, strict=True)):
        column = volume.geometry.affine[:3, 2 - old_axis]
        if flip:
            origin = origin + column * (volume.array.shape[old_axis] - 1)
            array = np.flip(array, new_axis)
            column = -column
        affine[:3, 2 - new_axis] = column
    affine[:3, 3] = origin
    return replace(volume, array=np.ascontiguousarray(array), geometry=Geometry(array.shape, affine))


def labels_of(truth: np.ndarray) -> np.ndarray:
    """Class numbers as labels of the organ table."""
    table = np.zeros(256, np.uint8)
    for value, key in ORGANS.items():
        table[value] = organ_by_key(key).label
    return table[truth]


def dice(one: np.ndarray, other: np.ndarray) -> dict[int, float]:
    """DSC of each label of either map."""
    labels = set(np.unique(one)) | set(np.unique(other)) - {0}
    return {
        int(label): 2 * np.sum((one == label) & (other == label)) / (np.sum(one == label) + np.sum(other == label))
        for label in labels
        if label
    }


@pytest.fixture(scope="module")
def the_exact_result(a_toy_bundle, a_toy_child):
    return segment(a_toy_child[0], a_toy_bundle, EXACT)


def test_exact_equals_stock(a_toy_bundle, a_toy_child, tmp_path):
    volume, _ = a_toy_child
    bundle = open_bundle(a_toy_bundle.folder)
    ours = segment(volume, replace_postprocessing(bundle, tmp_path / "plain"), EXACT).label_map.array
    folds = write_results_folder(bundle, "3d_fullres", tmp_path / "stock")
    stock = labels_of(
        stock_labels(stock_predictor(tmp_path / "stock", folds), volume.array, volume.geometry.spacing_mm)
    )
    scores = dice(ours, stock)
    assert len(scores) == 3
    assert min(scores.values()) >= 0.99
    assert np.mean(list(scores.values())) >= 0.998


def replace_postprocessing(bundle, folder):
    """The same bundle without post-processing, which stock does not apply."""
    import shutil

    from PediatricAbdomenSegLib.engine.models.manifest import write_manifest

    shutil.copytree(bundle.folder, folder)
    write_manifest(folder, replace(bundle.manifest, postprocessing={}))
    return open_bundle(folder)


@pytest.mark.parametrize("name", ["multi-organ", "hepatoblastoma-ct"])
def test_exact_equals_stock_with_a_shipped_model(name, tmp_path, repository):
    if not (repository / "Resources" / "Models" / name / "bundle.json").is_file():
        pytest.skip(f"needs the bundled model {name}")
    from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
    from PediatricAbdomenSegLib.engine.phantom.spec import PhantomSpec

    bundle = find_bundle(repository / "Resources" / "Models" / name)
    volume = make_phantom(PhantomSpec(age_years=3.0, seed=977, tumour_ml=120.0, spacing_mm=(5.0, 2.0, 2.0))).volume
    ours = segment(volume, replace_postprocessing(bundle, tmp_path / "plain"), EXACT)
    folds = write_results_folder(bundle, ours.configuration, tmp_path / "stock")
    window = bundle.manifest.intensity_window_hu
    array = volume.array if window is None else np.clip(volume.array, *(int(bound) for bound in window))
    stock = stock_labels(stock_predictor(tmp_path / "stock", folds), array, volume.geometry.spacing_mm)
    table = np.zeros(256, np.uint8)
    for value, key in bundle.manifest.organs.items():
        table[value] = organ_by_key(key).label
    scores = dice(ours.label_map.array, table[stock])
    assert scores, "both are empty"
    assert min(scores.values()) >= 0.99
    assert np.mean(list(scores.values())) >= 0.998


def test_the_crop_costs_no_accuracy(a_toy_bundle, a_toy_child, the_exact_result):
    volume, truth = a_toy_child
    exact = dice(the_exact_result.label_map.array, labels_of(truth))
    default = dice(segment(volume, a_toy_bundle, DEFAULT).label_map.array, labels_of(truth))
    assert np.mean(list(default.values())) >= np.mean(list(exact.values())) - 0.005


@pytest.mark.parametrize("options", [EXACT, DEFAULT], ids=["exact", "default"])
@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_every_orientation_gives_the_same_labels_in_the_patient(a_toy_bundle, a_toy_child, orientation, options):
    volume, _ = a_toy_child
    reference = segment(volume, a_toy_bundle, options)
    stored = turned(volume, *orientation)
    result = segment(stored, a_toy_bundle, options)
    assert result.label_map.geometry is stored.geometry
    assert result.label_map.array.shape == stored.array.shape
    back = turned(replace(volume, array=reference.label_map.array), *orientation).array
    np.testing.assert_array_equal(result.label_map.array, back)
    for one, other in zip(result.organs, reference.organs, strict=True):
        assert one.volume_ml == pytest.approx(other.volume_ml)
        np.testing.assert_allclose(one.centroid_ras_mm, other.centroid_ras_mm, atol=0.01)


def test_a_volume_smaller_than_the_patch_is_segmented(a_toy_bundle):
    volume, _ = make_child(shape=(6, 30, 40), spacing_mm=(5.0, 4.5, 4.5))
    result = segment(volume, a_toy_bundle, DEFAULT)
    assert result.label_map.array.shape == (6, 30, 40)
    assert result.label_map.array.any()


def test_one_slice_is_segmented(a_toy_bundle):
    volume, _ = make_child(shape=(1, 60, 70), spacing_mm=(5.0, 3.0, 3.0))
    assert segment(volume, a_toy_bundle, DEFAULT).label_map.array.shape == (1, 60, 70)


def test_labels_are_those_of_the_organ_table(the_exact_result):
    expected = {organ_by_key(key).label for key in ORGANS.values()}
    assert set(np.unique(the_exact_result.label_map.array)) <= expected | {0}
    assert the_exact_result.label_map.array.dtype == np.uint8
    assert {organ.key for organ in the_exact_result.organs} == set(ORGANS.values())


def test_the_result_names_model_device_and_cost(a_toy_bundle, the_exact_result):
    assert the_exact_result.bundle_sha256 == a_toy_bundle.sha256
    assert (the_exact_result.bundle_name, the_exact_result.status) == ("toy", "demonstration")
    assert (the_exact_result.device, the_exact_result.dtype) == ("cpu", "float32")
    assert (the_exact_result.configuration, the_exact_result.folds) == ("3d_fullres", ("0",))
    assert set(the_exact_result.seconds) == {"prepare", "load_model", "network", "postprocess"}
    assert the_exact_result.peak_memory_mb > 50


def test_only_the_organs_asked_for_are_in_the_map(a_toy_bundle, a_toy_child, the_exact_result):
    result = segment(a_toy_child[0], a_toy_bundle, replace(EXACT, organs=("liver",)))
    liver = organ_by_key("liver").label
    assert [organ.key for organ in result.organs] == ["liver"]
    np.testing.assert_array_equal(result.label_map.array == liver, the_exact_result.label_map.array == liver)
    assert set(np.unique(result.label_map.array)) == {0, liver}


@pytest.mark.parametrize("organs", [("heart",), ("no_such_organ",), ()])
def test_an_organ_the_model_does_not_know_is_a_usage_error(a_toy_bundle, a_toy_child, organs):
    with pytest.raises(UsageError):
        segment(a_toy_child[0], a_toy_bundle, replace(DEFAULT, organs=organs))


def test_the_largest_component_is_kept_where_the_bundle_says_so(a_toy_bundle, a_toy_child):
    volume, _ = a_toy_child
    result = segment(volume, a_toy_bundle, EXACT)
    assert next(organ for organ in result.organs if organ.key == "spleen").pieces == 1


def test_the_patients_age_decides_which_volumes_are_plausible(a_toy_bundle, a_toy_child):
    def liver_flags(age_years: float) -> tuple[str, ...]:
        references = DicomReferences("1", "2", "3", (), patient_age_years=age_years)
        result = segment(replace(a_toy_child[0], references=references), a_toy_bundle, EXACT)
        return next(organ for organ in result.organs if organ.key == "liver").flags

    assert "volume_implausible" in liver_flags(0.0)  # some 400 ml
    assert "volume_implausible" not in liver_flags(5.0)


def test_fractions_grow_through_the_stages(a_toy_bundle, a_toy_child):
    events = []
    segment(a_toy_child[0], a_toy_bundle, DEFAULT, on_progress=events.append)
    assert [stage for stage, _ in itertools.groupby(event.stage for event in events)] == [
        "prepare", "load_model", "network", "postprocess",
    ]  # fmt: skip
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("stage", ["prepare", "load_model", "network", "postprocess"])
def test_a_run_is_cancelled_in_every_stage(a_toy_bundle, a_toy_child, stage):
    token = CancelToken()

    def cancel_at(event) -> None:
        if event.stage == stage:
            token.cancel()

    with pytest.raises(Cancelled):
        segment(a_toy_child[0], a_toy_bundle, DEFAULT, on_progress=cancel_at, cancel=token)


def test_weights_altered_by_one_byte_are_refused(a_toy_bundle, a_toy_child, tmp_path):
    import shutil

    folder = tmp_path / "altered"
    shutil.copytree(a_toy_bundle.folder, folder)
    path = folder / "fold_0" / "weights.safetensors"
    contents = bytearray(path.read_bytes())
    contents[-1] ^= 1
    path.write_bytes(contents)
    with pytest.raises(ModelError, match=r"fold_0/weights\.safetensors is altered"):
        segment(a_toy_child[0], open_bundle(folder), DEFAULT)


def test_a_fold_or_configuration_that_is_not_there_is_a_model_error(a_toy_bundle, a_toy_child):
    with pytest.raises(ModelError, match="no fold 4"):
        segment(a_toy_child[0], a_toy_bundle, replace(DEFAULT, folds=("4",)))
    with pytest.raises(ModelError, match="2d"):
        segment(a_toy_child[0], a_toy_bundle, replace(DEFAULT, configuration="2d"))


def test_mirroring_that_the_model_does_not_allow_is_said(a_toy_bundle, a_toy_child, toy_weights, tmp_path):
    plain = write_bundle(tmp_path, make_plans(3, MODEL_SPACING_MM), {"0": toy_weights})
    asked = replace(DEFAULT, mirror=True)
    assert segment(a_toy_child[0], plain, asked).notes == (
        "Nothing was mirrored: this model was trained without mirroring.",
    )
    assert segment(a_toy_child[0], plain, DEFAULT).notes == segment(a_toy_child[0], a_toy_bundle, asked).notes == ()


def test_an_image_of_another_modality_is_refused(a_toy_bundle, a_toy_child):
    with pytest.raises(InputError, match="modality MR"):
        segment(replace(a_toy_child[0], modality="MR"), a_toy_bundle, DEFAULT)


def test_an_image_whose_format_names_no_modality_is_taken(a_toy_bundle, a_toy_child):
    assert segment(replace(a_toy_child[0], modality=""), a_toy_bundle, DEFAULT).label_map.array.any()


def test_two_folds_are_averaged(a_toy_child, toy_weights, tmp_path):
    plans = make_plans(3, MODEL_SPACING_MM)
    other = {name: tensor * 0.9 for name, tensor in toy_weights.items()}
    bundle = write_bundle(tmp_path, plans, {"0": toy_weights, "1": other})
    both = segment(a_toy_child[0], bundle, EXACT)
    assert both.folds == ("0", "1")
    single = [segment(a_toy_child[0], bundle, replace(EXACT, folds=(fold,))).label_map.array for fold in ("0", "1")]
    agreed = single[0] == single[1]
    assert 0.5 < np.mean(agreed) < 1
    assert np.mean((both.label_map.array == single[0])[agreed]) > 0.99


def test_a_2d_model_equals_stock(a_toy_child, tmp_path):
    plans = make_plans(2, (4.5, 4.5))
    weights = train_weights(tmp_path / "training", plans, steps=40)
    bundle = write_bundle(tmp_path / "bundle", plans, {"0": weights}, mirror_axes=(0, 1), postprocessing={})
    volume, _ = a_toy_child
    ours = segment(volume, bundle, EXACT)
    folds = write_results_folder(bundle, "2d", tmp_path / "stock")
    stock = labels_of(
        stock_labels(stock_predictor(tmp_path / "stock", folds), volume.array, volume.geometry.spacing_mm)
    )
    assert ours.configuration == "2d"
    assert min(dice(ours.label_map.array, stock).values()) >= 0.99


def test_a_warm_model_is_not_loaded_again(a_toy_bundle, a_toy_child, tmp_path):
    import shutil

    folder = tmp_path / "bundle"
    shutil.copytree(a_toy_bundle.folder, folder)
    bundle, models = open_bundle(folder), ModelCache()
    first = segment(a_toy_child[0], bundle, DEFAULT, models=models)
    loaded = models.load(bundle, "3d_fullres", ("0",), "cpu", first.dtype)
    second = segment(a_toy_child[0], bundle, DEFAULT, models=models)
    assert models.load(bundle, "3d_fullres", ("0",), "cpu", first.dtype) is loaded
    np.testing.assert_array_equal(first.label_map.array, second.label_map.array)
