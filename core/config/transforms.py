"""The one table of transforms: what each does, its parameters, their bounds. Data: adding a transform is one entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Param:
    """One parameter of a transform, as a form needs it.

    kind: 'int', 'float', 'int range', 'float range' (a low and a high end) or 'rgb' (three floats).
    low, high: the bounds that the lab accepts, both included. step: of a control. unit: shown behind the label.
    odd: whole odd numbers only, as kernels need them. mild: the value at which the transform does least, the low bound
    where none is named.
    """

    kind: str
    default: Any
    low: float
    high: float
    step: float
    help: str
    unit: str = ""
    odd: bool = False
    mild: float | None = None

    @property
    def mildest(self) -> float:
        return self.low if self.mild is None else self.mild


@dataclass(frozen=True)
class Transform:
    """title: what it does, in a few words. also: other words under which somebody may look for it. help: a sentence.

    deterministic: the same for every image and applied in validation too. fixed: arguments that are not settings.
    keeps_size: takes its output size from the Resize or CenterCrop before it.
    removes: how it takes pixels away: 'covers' (rectangles of the fill), 'moves' (they fall out of the frame), or ''.
    exact: what core/augment/draws.py does in its place, with the same bytes: 'table' (256 values), 'mirror', 'cover',
    'grey', 'crop', or '' where albumentations alone does it.
    """

    title: str
    also: str
    help: str
    params: dict[str, Param] = field(default_factory=dict)
    deterministic: bool = False
    fixed: dict[str, Any] = field(default_factory=dict)
    keeps_size: bool = False
    removes: str = ""
    exact: str = ""


SIZED = ("Resize", "CenterCrop")  # after one of them every image has the same size
_SIDE: dict[str, Any] = {"low": 8, "high": 2048, "step": 1, "unit": "px"}
_REPLICATE = 1  # cv2.BORDER_REPLICATE: black corners would tell how far a face was moved
TRANSFORMS: dict[str, Transform] = {
    "CenterCrop": Transform(
        "Crop the middle",
        "cut, centre",
        "Cuts the middle out of the photo; a photo smaller than the crop is padded with black.",
        {
            "height": Param("int", 400, help="Height of the crop, in pixels.", **_SIDE),
            "width": Param("int", 256, help="Width of the crop, in pixels.", **_SIDE),
        },
        deterministic=True,
        fixed={"pad_if_needed": True},
        removes="moves",
        exact="crop",
    ),
    "Resize": Transform(
        "Scale to a size",
        "shrink, enlarge, resolution",
        "Scales to the size that the network sees, without keeping the proportions.",
        {
            "height": Param("int", 224, help="Height, in pixels.", **_SIDE),
            "width": Param("int", 224, help="Width, in pixels.", **_SIDE),
        },
        deterministic=True,
        fixed={"interpolation": 3},  # cv2.INTER_AREA: photos shrink, and area averaging does not alias
    ),
    "RandomBrightnessContrast": Transform(
        "Brightness and contrast",
        "lighter, darker, exposure",
        "Makes the photo lighter or darker and changes its contrast.",
        {
            "brightness_limit": Param(
                "float range", [-0.2, 0.2], -1, 1, 0.05, "Change of brightness, as a share of full scale.", mild=0
            ),
            "contrast_limit": Param("float range", [-0.2, 0.2], -1, 1, 0.05, "Change of contrast, as a share.", mild=0),
        },
        exact="table",
    ),
    "HorizontalFlip": Transform("Mirror left and right", "flip", "Mirrors left and right.", exact="mirror"),
    "Affine": Transform(
        "Rotate, scale and shift",
        "turn, zoom, move, translate, tilt",
        "Turns, scales and shifts the photo a little; what falls in from outside repeats the border.",
        {
            "rotate": Param("float range", [-10.0, 10.0], -180, 180, 1, "Turn, in degrees.", "°", mild=0),
            "scale": Param("float range", [0.9, 1.1], 0.1, 4, 0.05, "Scale; 1 leaves the size as it is.", mild=1),
            "translate_percent": Param(
                "float range", [-0.06, 0.06], -1, 1, 0.01, "Shift, as a share of the side.", mild=0
            ),
        },
        fixed={"border_mode": _REPLICATE},
        removes="moves",
    ),
    "InvertImg": Transform("Negative", "invert colours, colors", "Turns the photo into its negative.", exact="table"),
    "CoarseDropout": Transform(
        "Cover with rectangles",
        "cutout, holes, occlusion, mask",
        "Covers rectangles with black, so that no single part of the photo suffices.",
        {
            "num_holes_range": Param("int range", [4, 4], 1, 64, 1, "Fewest and most rectangles."),
            "hole_height_range": Param("int range", [50, 50], 1, 1024, 1, "Their height, in pixels.", "px"),
            "hole_width_range": Param("int range", [50, 50], 1, 1024, 1, "Their width, in pixels.", "px"),
        },
        fixed={"fill": 0},
        removes="covers",
        exact="cover",
    ),
    "Erasing": Transform(
        "Cover one random rectangle",
        "cutout, hole, occlusion, mask",
        "Covers one rectangle of random size and shape with black.",
        {
            "scale": Param("float range", [0.02, 0.2], 0.01, 0.5, 0.01, "Its area, as a share of the image."),
            "ratio": Param("float range", [0.3, 3.3], 0.1, 10, 0.1, "Its width divided by its height.", mild=1),
        },
        fixed={"fill": 0},
        removes="covers",
        exact="cover",
    ),
    "RandomResizedCrop": Transform(
        "Crop a random part",
        "zoom in, cut",
        "Cuts out a random part and scales it back to the size of the Resize or CenterCrop before it.",
        {
            "scale": Param(
                "float range", [0.7, 1.0], 0.05, 1, 0.05, "Area that is kept, as a share of the image.", mild=1
            ),
            "ratio": Param(
                "float range", [0.8, 1.25], 0.2, 5, 0.05, "Width of the part divided by its height.", mild=1
            ),
        },
        keeps_size=True,
        removes="moves",
    ),
    "Perspective": Transform(
        "View from the side",
        "tilt, warp, camera angle",
        "Shows the photo as if seen from the side.",
        {"scale": Param("float range", [0.02, 0.08], 0, 0.4, 0.01, "How far corners move, as a share of the side.")},
        fixed={"border_mode": _REPLICATE},
        removes="moves",
    ),
    "GridDistortion": Transform(
        "Bend",
        "warp, elastic, distort",
        "Bends the photo along a grid.",
        {
            "num_steps": Param("int", 5, 2, 20, 1, "Cells of the grid along a side.", mild=5),
            "distort_limit": Param(
                "float range", [-0.2, 0.2], -0.9, 0.9, 0.05, "Shift of grid lines, share of a cell.", mild=0
            ),
        },
        fixed={"border_mode": _REPLICATE},
        removes="moves",
    ),
    "HueSaturationValue": Transform(
        "Hue and colourfulness",
        "colours, colors, tint",
        "Shifts hue, colourfulness and brightness.",
        {
            "hue_shift_limit": Param(
                "float range", [-8, 8], -90, 90, 1, "Shift of hue; 180 is once around.", "of 180", mild=0
            ),
            "sat_shift_limit": Param("float range", [-25, 25], -255, 255, 5, "Shift of saturation.", "of 255", mild=0),
            "val_shift_limit": Param("float range", [-20, 20], -255, 255, 5, "Shift of brightness.", "of 255", mild=0),
        },
    ),
    "ColorJitter": Transform(
        "Vary all colours",
        "colors, hue, saturation, brightness, contrast",
        "Multiplies brightness, contrast and saturation and turns hue, in a random order.",
        {
            "brightness": Param(
                "float range", [0.8, 1.2], 0, 3, 0.05, "Factor of brightness; 1 changes nothing.", "×", mild=1
            ),
            "contrast": Param(
                "float range", [0.8, 1.2], 0, 3, 0.05, "Factor of contrast; 1 changes nothing.", "×", mild=1
            ),
            "saturation": Param("float range", [0.8, 1.2], 0, 3, 0.05, "Factor of saturation; 0 is grey.", "×", mild=1),
            "hue": Param(
                "float range", [-0.03, 0.03], -0.5, 0.5, 0.01, "Turn of hue, as a share of a full turn.", mild=0
            ),
        },
    ),
    "CLAHE": Transform(
        "Even out contrast",
        "histogram, equalise, equalize",
        "Evens out contrast region by region.",
        {"clip_limit": Param("float range", [1, 4], 1, 40, 0.5, "Most contrast that is added; 1 adds least.")},
    ),
    "RandomGamma": Transform(
        "Middle tones",
        "lighter, darker, exposure",
        "Lightens or darkens the middle tones.",
        {
            "gamma_limit": Param(
                "float range", [80, 120], 10, 400, 5, "Gamma; 100 changes nothing, more darkens.", "%", mild=100
            )
        },
        exact="table",
    ),
    "ToGray": Transform(
        "Take the colour away",
        "grey, greyscale, grayscale, black and white, color",
        "Takes the colour away.",
        exact="grey",
    ),
    "GaussianBlur": Transform(
        "Blur",
        "out of focus, smooth, soft",
        "Blurs evenly, as a lens out of focus.",
        {"sigma_limit": Param("float range", [0.5, 2.0], 0.1, 20, 0.1, "Width of the blur, in pixels.", "px")},
        fixed={"blur_limit": 0},  # the kernel then follows from the width
    ),
    "MotionBlur": Transform(
        "Blur in one direction",
        "shake, camera movement",
        "Blurs in one direction, as a moving camera.",
        {"blur_limit": Param("int range", [3, 7], 3, 99, 2, "Length of the blur, odd.", "px", odd=True)},
    ),
    "GaussNoise": Transform(
        "Noise",
        "grain, sensor",
        "Adds noise to each pixel and colour.",
        {"std_range": Param("float range", [0.02, 0.1], 0, 1, 0.01, "Deviation of the noise, share of full scale.")},
    ),
    "ImageCompression": Transform(
        "JPEG quality",
        "compression, artefacts, artifacts, blocks",
        "Shows the photo as a JPEG of low quality.",
        {"quality_range": Param("int range", [40, 95], 1, 100, 1, "JPEG quality; 100 is best.", mild=100)},
        fixed={"compression_type": "jpeg"},
    ),
    "Sharpen": Transform(
        "Sharper edges",
        "crisp, unsharp",
        "Sharpens edges.",
        {
            "alpha": Param("float range", [0.2, 0.5], 0, 1, 0.05, "Share of the sharpened image."),
            "lightness": Param("float range", [0.5, 1.0], 0, 3, 0.05, "Weight of the pixel itself.", mild=1),
        },
    ),
    "RandomShadow": Transform(
        "Shadows",
        "shade, lighting",
        "Lays shadows of random shape over the photo.",
        {
            "num_shadows_limit": Param("int range", [1, 2], 1, 10, 1, "Fewest and most shadows."),
            "shadow_intensity_range": Param("float range", [0.3, 0.6], 0, 1, 0.05, "Darkness; 1 is black."),
        },
        fixed={"shadow_roi": (0, 0, 1, 1)},
    ),
    "Normalize": Transform(
        "Normalise colours",
        "colors, mean, deviation, standardise, standardize",
        "Subtracts the mean colour and divides by its deviation; done on the device, a batch at a time.",
        {
            "mean": Param("rgb", [0.485, 0.456, 0.406], 0, 1, 0.001, "Mean of red, green, blue (ImageNet's)."),
            "std": Param("rgb", [0.229, 0.224, 0.225], 0.01, 1, 0.001, "Deviation of red, green, blue (ImageNet's)."),
        },
        deterministic=True,
    ),
}


# Where albumentations' own name is no word that people use.
TITLES = {
    "num_holes_range": "Rectangles",
    "hole_height_range": "Height",
    "hole_width_range": "Width",
    "num_shadows_limit": "Shadows",
    "num_steps": "Cells",
    "sat_shift_limit": "Saturation shift",
    "val_shift_limit": "Brightness shift",
    "translate_percent": "Shift",
    "std_range": "Noise",
    "std": "Deviation",
}


def title_of(name: str) -> str:
    """What a transform does, in a few words; a name that is none of ours stays."""
    return TRANSFORMS[name].title if name in TRANSFORMS else name


def param_title(name: str) -> str:
    """What a control of the parameter is called: "brightness_limit" -> "Brightness"."""
    return TITLES.get(name) or name.replace("_", " ").removesuffix(" range").removesuffix(" limit").capitalize()


def default_params(name: str) -> dict[str, Any]:
    return {key: param.default for key, param in TRANSFORMS[name].params.items()}


def check_params(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their own types. Raises ValueError that names the parameter and its bounds."""
    specs = TRANSFORMS[name].params
    checked = {}
    for key, value in params.items():
        if key not in specs:
            allowed = ", ".join(specs) or "none"
            raise ValueError(f"{name}: unknown parameter '{key}' (its parameters: {allowed})")
        param = specs[key]
        many = {"int range": 2, "float range": 2, "rgb": 3}.get(param.kind)
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if len(values) != (many or 1) or (many is None) != (not isinstance(value, (list, tuple))):
            raise ValueError(f"{name}.{key}: expected {f'{many} numbers' if many else 'one number'}, found {value!r}")
        whole = param.kind.startswith("int")
        for number in values:
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise ValueError(f"{name}.{key}: expected a {'whole ' if whole else ''}number, found {number!r}")
            if not param.low <= number <= param.high:
                is_float = isinstance(number, float) or abs(number) < 1e300  # a whole number may be too large for one
                text = f"{number:g}" if is_float else "a number without end"
                raise ValueError(f"{name}.{key}: {text} is outside {param.low:g} to {param.high:g}")
            if param.odd and number % 2 != 1:
                raise ValueError(f"{name}.{key}: expected an odd number, found {number!r}")
            if whole and number != int(number):
                raise ValueError(f"{name}.{key}: expected a whole number, found {number!r}")
        if param.kind.endswith("range") and values[0] > values[1]:
            raise ValueError(f"{name}.{key}: the low end {values[0]:g} is above the high end {values[1]:g}")
        values = [int(v) if whole else float(v) for v in values]
        checked[key] = values if many else values[0]
    return checked
