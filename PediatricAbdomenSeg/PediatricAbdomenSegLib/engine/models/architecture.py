"""The network a configuration of ``plans.json`` asks for, old and new layout, checked against an allow-list."""

from __future__ import annotations

from dataclasses import dataclass

from ..json_fields import JsonFields

NETWORK_CLASSES = ("PlainConvUNet", "ResidualEncoderUNet")

# nnU-Net's planners write these and no others; anything else would silently change the network.
_ARGUMENTS = {
    "n_stages", "features_per_stage", "conv_op", "kernel_sizes", "strides", "n_conv_per_stage", "n_blocks_per_stage",
    "n_conv_per_stage_decoder", "conv_bias", "norm_op", "norm_op_kwargs", "dropout_op", "dropout_op_kwargs", "nonlin",
    "nonlin_kwargs", "deep_supervision",
}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """A U-Net of dynamic-network-architectures with instance normalisation and leaky ReLU.

    Attributes:
        network_class: one of `NETWORK_CLASSES`.
        dimensions: 2 or 3.
        features_per_stage: channels of each stage, the finest first.
        kernel_sizes, strides: per stage one value per dimension.
        n_conv_per_stage: convolutions (PlainConvUNet) or residual blocks (ResidualEncoderUNet) of each encoder stage.
        n_conv_per_stage_decoder: convolutions of each decoder stage, one stage fewer.
        conv_bias: whether convolutions have a bias.
        norm_eps: added to the variance in instance normalisation.
        norm_affine: whether instance normalisation has scale and shift.
        negative_slope: of the leaky ReLU.
    """

    network_class: str
    dimensions: int
    features_per_stage: tuple[int, ...]
    kernel_sizes: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]
    n_conv_per_stage: tuple[int, ...]
    n_conv_per_stage_decoder: tuple[int, ...]
    conv_bias: bool
    norm_eps: float
    norm_affine: bool
    negative_slope: float

    @property
    def n_stages(self) -> int:
        """Resolution stages of the encoder."""
        return len(self.features_per_stage)


def read_architecture(settings: JsonFields, dimensions: int) -> Architecture:
    """The network of one resolved configuration.

    Args:
        settings: the configuration after inheritance.
        dimensions: number of values in its patch size.

    Raises:
        ModelError: a key is missing or of the wrong type, or the network is not on the allow-list.
    """
    if dimensions not in (2, 3):
        raise settings.fail('"patch_size"', f"must have 2 or 3 values, not {dimensions}")
    read = _read_new if "architecture" in settings.values else _read_old
    architecture = read(settings, dimensions)
    _check_stages(settings, architecture)
    return architecture


def _read_new(settings: JsonFields, dimensions: int) -> Architecture:
    """Plans of nnU-Net 2.4 and later: ``architecture`` with the class name and its arguments."""
    described = settings.object("architecture")
    network_class = _network_class(described, described.text("network_class_name").rpartition(".")[2])
    arguments = described.object("arch_kwargs")
    for key in arguments.values:
        if key not in _ARGUMENTS:
            raise arguments.fail(f'"{key}"', "is not supported")
    _check_operations(arguments, dimensions)
    features = arguments.integers("features_per_stage", lowest=1)
    if arguments.integer("n_stages", lowest=1) != len(features):
        raise arguments.fail('"features_per_stage"', f"must have {arguments.values['n_stages']} values")
    norm = _optional_object(arguments, "norm_op_kwargs")
    nonlinearity = _optional_object(arguments, "nonlin_kwargs")
    return Architecture(
        network_class=network_class,
        dimensions=dimensions,
        features_per_stage=features,
        kernel_sizes=arguments.integer_rows("kernel_sizes", lowest=1),
        strides=arguments.integer_rows("strides", lowest=1),
        n_conv_per_stage=arguments.integers(_blocks_key(network_class), lowest=1),
        n_conv_per_stage_decoder=arguments.integers("n_conv_per_stage_decoder", lowest=1),
        conv_bias=arguments.flag("conv_bias") if "conv_bias" in arguments.values else False,
        norm_eps=norm.number("eps") if "eps" in norm.values else 1e-5,  # torch's defaults for InstanceNorm
        norm_affine=norm.flag("affine") if "affine" in norm.values else False,
        negative_slope=nonlinearity.number("negative_slope") if "negative_slope" in nonlinearity.values else 0.01,
    )


def _read_old(settings: JsonFields, dimensions: int) -> Architecture:
    """Plans before nnU-Net 2.4, completed as nnU-Net's own ``ConfigurationManager`` does."""
    blocks = settings.integers("n_conv_per_stage_encoder", lowest=1)
    base = settings.integer("UNet_base_num_features", lowest=1)
    most = settings.integer("unet_max_num_features", lowest=1)
    return Architecture(
        network_class=_network_class(settings, settings.text("UNet_class_name")),
        dimensions=dimensions,
        features_per_stage=tuple(min(base * 2**stage, most) for stage in range(len(blocks))),
        kernel_sizes=settings.integer_rows("conv_kernel_sizes", lowest=1),
        strides=settings.integer_rows("pool_op_kernel_sizes", lowest=1),
        n_conv_per_stage=blocks,
        n_conv_per_stage_decoder=settings.integers("n_conv_per_stage_decoder", lowest=1),
        conv_bias=True,
        norm_eps=1e-5,
        norm_affine=True,
        negative_slope=0.01,
    )


def _network_class(fields: JsonFields, name: str) -> str:
    if name not in NETWORK_CLASSES:
        raise fields.fail("the network class", f'is "{name}", but only {", ".join(NETWORK_CLASSES)} are supported')
    return name


def _blocks_key(network_class: str) -> str:
    return "n_conv_per_stage" if network_class == "PlainConvUNet" else "n_blocks_per_stage"


def _check_operations(arguments: JsonFields, dimensions: int) -> None:
    wanted = {"conv_op": f"Conv{dimensions}d", "norm_op": f"InstanceNorm{dimensions}d", "nonlin": "LeakyReLU"}
    for key, name in wanted.items():
        value = arguments.text(key)
        if not value.startswith("torch.nn.") or value.rpartition(".")[2] != name:
            raise arguments.fail(f'"{key}"', f'is "{value}", but only torch.nn\'s {name} is supported')
    # Dropout does nothing at inference, but a layer of an unknown class would still be built.
    if arguments.values.get("dropout_op") is not None:
        raise arguments.fail('"dropout_op"', f'is "{arguments.values["dropout_op"]}", but only null is supported')


def _optional_object(arguments: JsonFields, key: str) -> JsonFields:
    if arguments.values.get(key) is None:
        return JsonFields({}, f"{arguments.where}: {key}")
    return arguments.object(key)


def _check_stages(settings: JsonFields, architecture: Architecture) -> None:
    stages = architecture.n_stages
    if stages < 2:
        raise settings.fail("the network", f"has {stages} stages; at least 2 are needed")
    for name, values, expected in (
        ("kernel sizes", architecture.kernel_sizes, stages),
        ("strides", architecture.strides, stages),
        ("encoder blocks", architecture.n_conv_per_stage, stages),
        ("decoder blocks", architecture.n_conv_per_stage_decoder, stages - 1),
    ):
        if len(values) != expected:
            raise settings.fail(f"the network's {name}", f"are given for {len(values)} stages instead of {expected}")
    for row in architecture.kernel_sizes + architecture.strides:
        if len(row) != architecture.dimensions:
            raise settings.fail("the network's kernel sizes and strides", f"must have {architecture.dimensions} values")
