"""A drawn dataset as CelebA lies on a disk: list_attr_celeba.txt with its count and header, -1 and 1, identities."""

import numpy as np
from PIL import Image

HEADER = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair "
    "Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male "
    "Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks "
    "Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace "
    "Wearing_Necktie Young"
)
NAMES = tuple(HEADER.split())
RARE = "Bald"


def drawn(root, photos=400, people=100, attributes=NAMES, side=32, identity=True, seed=0):
    """Each attribute is a band across the picture: bright where it is yes, dark where it is no. Bald is rare."""
    rng = np.random.default_rng(seed)
    names = list(attributes)
    share = rng.uniform(0.2, 0.8, len(names))
    yes = rng.random((photos, len(names))) < share
    if RARE in names:
        yes[:, names.index(RARE)] = np.arange(photos) % max(1, photos // 8) == 0
    folder = root / "img_align_celeba"
    folder.mkdir(parents=True)
    edges = np.linspace(0, side, len(names) + 1).astype(int)
    lines = []
    for number in range(photos):
        rows = np.zeros((side, side, 3))
        for place, is_yes in enumerate(yes[number]):
            rows[edges[place] : edges[place + 1]] = 200 if is_yes else 50
        pixels = np.clip(rows + rng.normal(0, 15, rows.shape), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number + 1:06d}.jpg", quality=95)
        cells = "".join(f"{1 if is_yes else -1:>3}" for is_yes in yes[number])
        lines.append(f"{number + 1:06d}.jpg {cells}")
    (root / "list_attr_celeba.txt").write_text("\n".join([str(photos), " ".join(names), *lines]) + "\n")
    if identity:
        of = [f"{number + 1:06d}.jpg {number % people + 1}" for number in range(photos)]
        (root / "identity_CelebA.txt").write_text("\n".join(of) + "\n")
    return root
