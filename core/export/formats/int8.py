"""A fold's ONNX network in whole numbers of 8 bits: static quantisation, per channel, between QDQ pairs.

The backbone alone: normalisation, head, temperature and softmax stay float32, so that what is lost is resolution of
features and not of probabilities. Batch norms are folded into their convolutions first.
Source: onnxruntime's guide to quantisation; Jacob et al. 2018, Quantization and training of neural networks for
efficient integer-arithmetic-only inference.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.helper

from core.errors import LabError, memory_in_words, out_of_memory
from core.export.network import FEWER, INPUT
from core.export.parity import as_launched
from core.export.runtime.package_folder import BATCH, PackageFolder
from core.runs import Run

OPERATIONS = ("Conv", "Add", "Relu", "MaxPool")  # of the backbone


def calibration_photos(package: PackageFolder, run: Run, fold: int, number: int) -> dict[str, np.ndarray]:
    """Photos that a fold was trained on, never those that it held out, as its network gets them: by sample, at most
    `number`, drawn by the fold's own number.

    Raises LabError(kind 'calibration') where none is as it was at the launch.
    """
    samples = run.samples()
    training = samples[samples["fold"] != fold]
    drawn = training.iloc[np.random.default_rng([0, fold + 1]).permutation(len(training))]
    photos: dict[str, np.ndarray] = {}
    for start in range(0, len(drawn), number):
        if len(photos) >= number:
            break
        photos |= as_launched(package, drawn.iloc[start : start + number])
    if not photos:
        raise LabError(
            f"int8: no photo that fold {fold} of {run.id} was trained on lies as it did at the launch, and int8 is "
            "calibrated on them.",
            "Put the dataset back, or package the run without int8.",
            kind="calibration",
        )
    return dict(list(photos.items())[:number])


@memory_in_words("a network in int8", FEWER)
def write_int8(network: Path, out: Path, photos: np.ndarray, about: dict[str, str]) -> None:
    """Write the network of an ONNX file in int8. photos: uint8 (n, H, W, 3), that set the ranges of activations.
    about: metadata that the file carries.

    Raises LabError(kind 'int8') where onnxruntime cannot do it; OSErrors pass.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Photos(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches: Iterator[np.ndarray] = (photos[i : i + BATCH] for i in range(0, len(photos), BATCH))

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: batch}

    try:
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            folded = Path(folder) / "folded.onnx"
            quant_pre_process(str(network), str(folded), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(folded),
                str(out),
                Photos(),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATIONS),
                per_channel=True,
                reduce_range=True,  # 7 bits of weights: without VNNI 8 bits overflow, and answers differ by processor
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.MinMax,
            )
        written = onnx.load(out)
    except (LabError, OSError):
        raise
    except Exception as error:  # onnxruntime's own types, which differ from release to release
        if out_of_memory(error):
            raise
        raise _no_int8(network, str(error)) from error
    if not any(node.op_type == "QuantizeLinear" for node in written.graph.node):
        raise _no_int8(network, "none of its layers was changed")
    del written.metadata_props[:]
    onnx.helper.set_model_props(written, about)
    onnx.save(written, str(out))


def _no_int8(network: Path, why: str) -> LabError:
    return LabError(
        f"onnxruntime cannot write {network.parent.name}/{network.name} in int8 ({why}).",
        "Package the run without int8.",
        kind="int8",
    )
