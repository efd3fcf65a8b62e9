"""One epoch of the study as Lightning's and fastai's own tutorials would train it, for bench/gpu.py: their defaults.

Neither is a dependency of the lab. Whoever has one installed sees it measured; of one that lacks it says so.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import time
import warnings
from collections.abc import Callable

import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from core.training import train


class Photos(Dataset):
    def __init__(self, samples, transform):
        self.paths, self.labels, self.transform = samples["path"].tolist(), samples["y"].tolist(), transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return self.transform(decode_image(self.paths[index], ImageReadMode.RGB)), self.labels[index]


def lightning_epoch(trainer: train.FoldTrainer, batch: int, workers: int) -> float:
    """Images per second of the second epoch of lightning.Trainer in its defaults (float32), torchvision's transforms in
    loader processes, Adam."""
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    size = trainer.config.input_size[0]
    transform = v2.Compose(
        [
            *(v2.CenterCrop((400, 256)), v2.Resize((size, size)), v2.RandomHorizontalFlip()),
            *(v2.ColorJitter(0.2, 0.2), v2.RandomInvert(0.5), v2.ToDtype(torch.float32, scale=True)),
            *(v2.RandomErasing(), v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])),
        ]
    )

    class Classifier(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            network = getattr(torchvision.models, f"resnet{trainer.config.model.depth}")
            self.network = network(num_classes=len(trainer.class_names))
            self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
            self.began: list[float] = []

        def training_step(self, pair, position):
            loss = self.criterion(self.network(pair[0]), pair[1])
            self.log("loss", loss)
            return loss

        def on_train_epoch_start(self):
            self.began.append(_now())

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-4, weight_decay=3e-5)

    samples = trainer.samples.iloc[trainer.train_rows]
    loader = DataLoader(Photos(samples, transform), batch_size=batch, shuffle=True, num_workers=workers)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Classifier()
        lightning.Trainer(max_epochs=2, enable_model_summary=False, **quiet).fit(model, loader)
    return len(samples) / (_now() - model.began[1])


def fastai_epoch(trainer: train.FoldTrainer, batch: int, workers: int) -> float:
    """Images per second of the second epoch of fastai's vision_learner in its defaults (float32), its own transforms in
    batches on the device."""
    from fastai.vision import all as fastai

    size = trainer.config.input_size[0]
    samples = trainer.samples.iloc[trainer.train_rows]
    loaders = fastai.ImageDataLoaders.from_path_func(
        ".",
        samples["path"].tolist(),
        dict(zip(map(str, samples["path"]), map(str, samples["y"]), strict=True)).__getitem__,
        valid_pct=0.0,
        bs=batch,
        num_workers=workers,
        item_tfms=fastai.Resize(256),
        batch_tfms=fastai.aug_transforms(size=size),
    )
    learner = fastai.vision_learner(
        loaders,
        getattr(torchvision.models, f"resnet{trainer.config.model.depth}"),
        pretrained=False,
        n_out=len(trainer.class_names),
        loss_func=nn.CrossEntropyLoss(label_smoothing=0.1),
    )
    learner.unfreeze()
    began: list[float] = []

    class Clock(fastai.Callback):
        def before_train(self):
            began.append(_now())

        def after_train(self):
            began.append(_now())

        def before_validate(self):
            raise fastai.CancelValidException

    with warnings.catch_warnings(), learner.no_bar(), learner.no_logging():
        warnings.simplefilter("ignore")
        learner.fit(2, cbs=[Clock()])
    return batch * (len(samples) // batch) / (began[3] - began[2])  # it leaves out the last, short batch


WAYS: dict[str, Callable[[train.FoldTrainer, int, int], float]] = {"lightning": lightning_epoch, "fastai": fastai_epoch}


def rate(name: str, trainer: train.FoldTrainer, batch: int, workers: int) -> float | None:
    """None where the framework is not installed, or fails, which is told."""
    if importlib.util.find_spec(name) is None:
        return None
    try:
        return WAYS[name](trainer, batch, workers)
    except Exception as error:  # another version of somebody else's code must not cost our own figures
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return None


def _now() -> float:
    """With the device at rest."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
