"""A ResNet in all but its width: what is asked of a finished run's networks costs a fraction of the real one's."""

import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

BLOCKS = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


class Narrow(ResNet):
    """The names, strides and blocks of a ResNet, of 64 channels in its first layers so many: with 8 a ResNet-18 has 0.2
    million parameters instead of 11.2. most: blocks of each of its four layers, where it shall have fewer."""

    def __init__(self, weights=None, num_classes=1000, depth=18, width=8, most=100):
        block, layers = BLOCKS[depth][0], [min(blocks, most) for blocks in BLOCKS[depth][1]]
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation, self.groups, self.base_width = nn.BatchNorm2d, width, 1, 1, 64
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        for place, blocks in enumerate(layers):
            setattr(self, f"layer{place + 1}", self._make_layer(block, width << place, blocks, stride=1 + (place > 0)))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear((width << 3) * block.expansion, num_classes)


def narrow_resnet18(weights=None, num_classes=1000, **more):
    return Narrow(weights, num_classes)


def narrow_resnet34(weights=None, num_classes=1000, **more):
    return Narrow(weights, num_classes, depth=34)


def narrow_worker(root=None):
    """In a worker: what it trains has an eighth of its width."""
    torchvision.models.resnet18 = narrow_resnet18
