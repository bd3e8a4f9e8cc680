"""Small networks in PyTorch with the structure of those that people export: recognition, detection, segmentation, classification.

Widths and depths are reduced; what matters here is which operators an exporter writes for them.
"""

import torch
import torch.nn.functional as F
from torch import nn


def conv_bn(inputs, outputs, kernel=3, stride=1, groups=1, act=nn.ReLU, padding=None):
    padding = kernel // 2 if padding is None else padding
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    if act is nn.PReLU:
        layers.append(nn.PReLU(outputs))
    elif act is not None:
        layers.append(act())
    return nn.Sequential(*layers)


class IResNetBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_bn(inputs, outputs, 1, stride, act=None)

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class IResNet(nn.Module):
    """The residual networks of ArcFace."""

    def __init__(self, widths=(8, 16, 24, 32), embedding=64):
        super().__init__()
        self.stem = conv_bn(3, widths[0], act=nn.PReLU)
        blocks, inputs = [], widths[0]
        for width in widths:
            blocks += [IResNetBlock(inputs, width, 2), IResNetBlock(width, width, 1)]
            inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.bn2 = nn.BatchNorm2d(inputs)
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(inputs * 49, embedding)
        self.features = nn.BatchNorm1d(embedding)

    def forward(self, x):
        x = self.bn2(self.blocks(self.stem(x)))
        return self.features(self.fc(self.dropout(torch.flatten(x, 1))))


class Bottleneck(nn.Module):
    """Expansion, depthwise convolution, projection; added to its input where shapes allow."""

    def __init__(self, inputs, outputs, stride, expansion, act=nn.PReLU):
        super().__init__()
        wide = inputs * expansion
        self.same = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            conv_bn(inputs, wide, 1, act=act), conv_bn(wide, wide, 3, stride, wide, act=act), conv_bn(wide, outputs, 1, act=None)
        )

    def forward(self, x):
        return x + self.body(x) if self.same else self.body(x)


class MobileFaceNet(nn.Module):
    def __init__(self, embedding=32):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(3, 16, 3, 2, act=nn.PReLU),
            conv_bn(16, 16, 3, 1, 16, act=nn.PReLU),
            Bottleneck(16, 16, 2, 2),
            Bottleneck(16, 16, 1, 2),
            Bottleneck(16, 24, 2, 4),
            Bottleneck(24, 24, 1, 2),
            Bottleneck(24, 24, 2, 4),
            conv_bn(24, 64, 1, act=nn.PReLU),
            conv_bn(64, 64, 7, 1, 64, act=None, padding=0),
        )
        self.linear = nn.Conv2d(64, embedding, 1, bias=False)
        self.bn = nn.BatchNorm1d(embedding)

    def forward(self, x):
        x = self.linear(self.body(x))
        return F.normalize(self.bn(x.view(x.size(0), -1)))


class InceptionBlock(nn.Module):
    """Branches, concatenated, projected and added with a scale."""

    def __init__(self, channels, branches, scale, act=True):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        total = sum(branch[-1][0].out_channels for branch in branches)
        self.project = nn.Conv2d(total, channels, 1)
        self.scale, self.act = scale, act

    def forward(self, x):
        x = x + self.scale * self.project(torch.cat([branch(x) for branch in self.branches], 1))
        return F.relu(x) if self.act else x


class Reduction(nn.Module):
    def __init__(self, branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def rectangular(inputs, outputs, kernel):
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, 1, padding, bias=False), nn.BatchNorm2d(outputs, eps=0.001), nn.ReLU())


class InceptionResNetV1(nn.Module):
    """The network of FaceNet."""

    def __init__(self, embedding=48):
        super().__init__()
        c = lambda i, o, k=3, s=1, p=None: conv_bn(i, o, k, s, padding=p)  # noqa: E731
        seq = nn.Sequential
        self.stem = seq(c(3, 8, 3, 2, 0), c(8, 8, 3, 1, 0), c(8, 16), nn.MaxPool2d(3, 2), c(16, 16, 1), c(16, 24, 3, 1, 0), c(24, 32, 3, 2, 0))
        self.block35 = InceptionBlock(32, [seq(c(32, 8, 1)), seq(c(32, 8, 1), c(8, 8)), seq(c(32, 8, 1), c(8, 8), c(8, 8))], 0.17)
        self.mixed6 = Reduction([seq(c(32, 16, 3, 2, 0)), seq(c(32, 8, 1), c(8, 8), c(8, 16, 3, 2, 0)), nn.MaxPool2d(3, 2)])
        tall = seq(c(64, 12, 1), rectangular(12, 12, (1, 7)), rectangular(12, 12, (7, 1)))
        self.block17 = InceptionBlock(64, [seq(c(64, 12, 1)), tall], 0.10)
        self.mixed7 = Reduction(
            [seq(c(64, 16, 1), c(16, 24, 3, 2, 0)), seq(c(64, 16, 1), c(16, 16), c(16, 16, 3, 2, 0)), nn.MaxPool2d(3, 2)]
        )
        wide = seq(c(104, 12, 1), rectangular(12, 12, (1, 3)), rectangular(12, 12, (3, 1)))
        self.block8 = InceptionBlock(104, [seq(c(104, 12, 1)), wide], 0.20, act=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.6)
        self.last_linear = nn.Linear(104, embedding, bias=False)
        self.last_bn = nn.BatchNorm1d(embedding, eps=0.001)

    def forward(self, x):
        x = self.mixed7(self.block17(self.mixed6(self.block35(self.stem(x)))))
        x = self.dropout(self.pool(self.block8(x)))
        return F.normalize(self.last_bn(self.last_linear(x.view(x.shape[0], -1))), p=2, dim=1)


class Pyramid(nn.Module):
    """Lateral connections, upsampled to the size of the finer map and added."""

    def __init__(self, widths, outputs):
        super().__init__()
        self.lateral = nn.ModuleList(conv_bn(w, outputs, 1, act=nn.LeakyReLU) for w in widths)
        self.merge = nn.ModuleList(conv_bn(outputs, outputs, 3, act=nn.LeakyReLU) for _ in widths[1:])

    def forward(self, maps):
        maps = [lateral(m) for lateral, m in zip(self.lateral, maps)]
        for i in range(len(maps) - 2, -1, -1):
            up = F.interpolate(maps[i + 1], size=[maps[i].size(2), maps[i].size(3)], mode="nearest")
            maps[i] = self.merge[i](maps[i] + up)
        return maps


class ContextModule(nn.Module):
    """Three receptive fields side by side."""

    def __init__(self, channels):
        super().__init__()
        half, quarter = channels // 2, channels // 4
        self.plain = conv_bn(channels, half, act=None)
        self.shared = conv_bn(channels, quarter, act=nn.LeakyReLU)
        self.middle = conv_bn(quarter, quarter, act=None)
        self.large = nn.Sequential(conv_bn(quarter, quarter, act=nn.LeakyReLU), conv_bn(quarter, quarter, act=None))

    def forward(self, x):
        shared = self.shared(x)
        return F.relu(torch.cat([self.plain(x), self.middle(shared), self.large(shared)], dim=1))


class Stages(nn.Module):
    """A backbone that gives its maps at strides 8, 16 and 32."""

    def __init__(self, widths=(16, 24, 32), act=nn.ReLU):
        super().__init__()
        separable = lambda i, o, s: nn.Sequential(conv_bn(i, i, 3, s, i, act=act), conv_bn(i, o, 1, act=act))  # noqa: E731
        self.stage1 = nn.Sequential(conv_bn(3, 8, 3, 2, act=act), separable(8, 12, 2), separable(12, widths[0], 2))
        self.stage2 = nn.Sequential(separable(widths[0], widths[1], 2), separable(widths[1], widths[1], 1))
        self.stage3 = separable(widths[1], widths[2], 2)

    def forward(self, x):
        a = self.stage1(x)
        b = self.stage2(a)
        return [a, b, self.stage3(b)]


class RetinaFace(nn.Module):
    ANCHORS = 2

    def __init__(self):
        super().__init__()
        self.body = Stages(act=nn.LeakyReLU)
        self.fpn = Pyramid((16, 24, 32), 16)
        self.context = nn.ModuleList(ContextModule(16) for _ in range(3))
        head = lambda n: nn.ModuleList(nn.Conv2d(16, self.ANCHORS * n, 1) for _ in range(3))  # noqa: E731
        self.classes, self.boxes, self.landmarks = head(2), head(4), head(10)

    def forward(self, x):
        maps = [context(m) for context, m in zip(self.context, self.fpn(self.body(x)))]

        def all_anchors(heads, n):
            rows = [head(m).permute(0, 2, 3, 1).contiguous() for head, m in zip(heads, maps)]
            return torch.cat([r.view(r.shape[0], -1, n) for r in rows], dim=1)

        return all_anchors(self.boxes, 4), F.softmax(all_anchors(self.classes, 2), dim=-1), all_anchors(self.landmarks, 10)


class YuNet(nn.Module):
    STRIDES = (8, 16, 32)

    def __init__(self):
        super().__init__()
        self.body = Stages((16, 16, 16))
        self.merge = nn.ModuleList(self.unit(16, 16) for _ in range(3))
        self.heads = nn.ModuleDict({n: nn.ModuleList(self.unit(16, c, False) for _ in range(3)) for n, c in self.outputs()})

    @staticmethod
    def outputs():
        return (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))

    @staticmethod
    def unit(inputs, outputs, act=True):
        layers = [nn.Conv2d(inputs, outputs, 1), nn.Conv2d(outputs, outputs, 3, 1, 1, groups=outputs)]
        return nn.Sequential(*layers, *([nn.BatchNorm2d(outputs), nn.ReLU()] if act else []))

    def forward(self, x):
        maps = self.body(x)
        maps[2] = self.merge[2](maps[2])
        for i in (1, 0):
            maps[i] = self.merge[i](maps[i] + F.interpolate(maps[i + 1], scale_factor=2.0, mode="nearest"))
        results = []
        for name, channels in self.outputs():
            for head, m in zip(self.heads[name], maps):
                y = head(m).permute(0, 2, 3, 1).reshape(m.shape[0], -1, channels)
                results.append(y.sigmoid() if channels == 1 else y)
        return tuple(results)


class Scale(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, x):
        return x * self.value


class ResidualD(nn.Module):
    """The residual block whose shortcut averages before it projects."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(conv_bn(inputs, outputs, 3, stride), conv_bn(outputs, outputs, 3, act=None))
        pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
        self.shortcut = nn.Sequential(pool, conv_bn(inputs, outputs, 1, act=None))

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


class SCRFD(nn.Module):
    ANCHORS = 2

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 8, 3, 2), conv_bn(8, 8), nn.MaxPool2d(3, 2, 1))
        self.stages = nn.ModuleList([ResidualD(8, 16, 2), ResidualD(16, 24, 2), ResidualD(24, 32, 2)])
        self.lateral = nn.ModuleList(nn.Conv2d(w, 16, 1) for w in (16, 24, 32))
        self.smooth = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(3))
        self.down = nn.ModuleList(nn.Conv2d(16, 16, 3, 2, 1) for _ in range(2))
        group = lambda: nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, bias=False), nn.GroupNorm(4, 16), nn.ReLU())  # noqa: E731
        self.towers = nn.ModuleList(nn.Sequential(group(), group()) for _ in range(3))
        head = lambda n: nn.ModuleList(nn.Conv2d(16, self.ANCHORS * n, 3, 1, 1) for _ in range(3))  # noqa: E731
        self.scores, self.boxes, self.points = head(1), head(4), head(10)
        self.scales = nn.ModuleList(Scale(s) for s in (0.9, 1.1, 1.3))

    def pyramid(self, x):
        x, maps = self.stem(x), []
        for stage, lateral in zip(self.stages, self.lateral):
            x = stage(x)
            maps.append(lateral(x))
        for i in (1, 0):
            maps[i] = maps[i] + F.interpolate(maps[i + 1], size=maps[i].shape[2:], mode="nearest")
        maps = [smooth(m) for smooth, m in zip(self.smooth, maps)]
        for i in (0, 1):
            maps[i + 1] = maps[i + 1] + self.down[i](maps[i])
        return maps

    def forward(self, x):
        scores, boxes, points = [], [], []
        for i, m in enumerate(self.pyramid(x)):
            m = self.towers[i](m)
            rows = lambda y, n: y.permute(0, 2, 3, 1).reshape(y.shape[0], -1, n)  # noqa: E731
            scores.append(rows(self.scores[i](m), 1).sigmoid())
            boxes.append(rows(self.scales[i](self.boxes[i](m)), 4))
            points.append(rows(self.points[i](m), 10))
        return (*scores, *boxes, *points)


class UNet(nn.Module):
    """`up`: transposed convolutions, or bilinear interpolation with corners aligned or not."""

    def __init__(self, up):
        super().__init__()
        double = lambda i, o: nn.Sequential(conv_bn(i, o), conv_bn(o, o))  # noqa: E731
        self.down = nn.ModuleList([double(3, 8), double(8, 16), double(16, 24), double(24, 32)])
        self.join = nn.ModuleList([double(16, 8), double(32, 16), double(48, 24)])
        self.up = nn.ModuleList()
        for inputs, outputs, aligned in ((16, 8, True), (24, 16, False), (32, 24, True)):
            if up == "transposed":
                self.up.append(nn.ConvTranspose2d(inputs, outputs, 2, 2))
            else:
                self.up.append(nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=aligned), nn.Conv2d(inputs, outputs, 1)))
        self.head = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        maps = []
        for i, down in enumerate(self.down):
            x = down(F.max_pool2d(x, 2) if i else x)
            maps.append(x)
        for i in (2, 1, 0):
            x = self.up[i](x)
            # Odd sizes lose a row on the way down.
            dy, dx = maps[i].shape[2] - x.shape[2], maps[i].shape[3] - x.shape[3]
            x = self.join[i](torch.cat([maps[i], F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])], 1))
        return torch.softmax(self.head(x), 1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, reduced, 1), nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        weight = self.expand(F.silu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * weight.sigmoid()


class MBConv(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        first = [conv_bn(inputs, wide, 1, act=nn.SiLU)] if expansion > 1 else []
        middle = [conv_bn(wide, wide, kernel, stride, wide, act=nn.SiLU), SqueezeExcite(wide, max(1, inputs // 4))]
        self.body = nn.Sequential(*first, *middle, conv_bn(wide, outputs, 1, act=None))
        self.same = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.same else self.body(x)


class EfficientNet(nn.Module):
    def __init__(self, classes=20):
        super().__init__()
        self.features = nn.Sequential(
            conv_bn(3, 16, 3, 2, act=nn.SiLU),
            MBConv(16, 8, 3, 1, 1),
            MBConv(8, 12, 3, 2, 6),
            MBConv(12, 12, 3, 1, 6),
            MBConv(12, 20, 5, 2, 6),
            MBConv(20, 20, 5, 1, 6),
            conv_bn(20, 80, 1, act=nn.SiLU),
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(80, classes))

    def forward(self, x):
        return self.head(self.features(x))


class EncoderBlock(nn.Module):
    def __init__(self, width, heads, approximate):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate=approximate), nn.Linear(4 * width, width))

    def attention(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.project(y.transpose(1, 2).reshape(batch, tokens, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, size=64, patch=8, width=48, heads=3, classes=20):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.5)
        self.blocks = nn.Sequential(EncoderBlock(width, heads, "none"), EncoderBlock(width, heads, "tanh"))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


# Name: constructor, height and width of the pictures.
NETWORKS = {
    "iresnet": (IResNet, (112, 112)),
    "mobilefacenet": (MobileFaceNet, (112, 112)),
    "inception_resnet_v1": (InceptionResNetV1, (160, 160)),
    "retinaface": (RetinaFace, (96, 128)),
    "yunet": (YuNet, (96, 128)),
    "scrfd": (SCRFD, (96, 128)),
    "unet_transposed": (lambda: UNet("transposed"), (68, 52)),
    "unet_bilinear": (lambda: UNet("bilinear"), (68, 52)),
    "efficientnet": (EfficientNet, (72, 64)),
    "vit": (ViT, (64, 64)),
}


def build(name, seed):
    """The network with random weights. Normalisations hold the statistics of random pictures, so that activations keep their size."""
    torch.manual_seed(seed)
    constructor, (height, width) = NETWORKS[name]
    network = constructor()
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for m in network.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm | nn.GroupNorm | nn.LayerNorm):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.3)
        if isinstance(m, nn.PReLU):
            nn.init.uniform_(m.weight, 0.1, 0.4)
    for m in norms:
        m.momentum = 1.0
    with torch.no_grad():
        network.train()
        network(torch.rand(8, 3, height, width) * 2 - 1)
    return network.eval()
