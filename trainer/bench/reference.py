"""The same training as `trainer`, written as people write it in PyTorch: what the trainer's speed is measured against.

Same models, same batches in the same shapes, same optimizer (Adam, fused), same precision switches, and the same timing:
each step from gathering the batch to the optimizer, the GPU synchronised before and after. Only the content of the data is
plain noise, which no operator's time depends on, and batches are gathered with index_select, as people do (the trainer copies
them itself). Prints one JSON object with `step_seconds`.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Level(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(Block(inputs, outputs), Block(outputs, outputs))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        levels = [64, 128, 256, 512, 1024]
        self.down = nn.ModuleList(Level(i, o) for i, o in zip([3] + levels, levels))
        pairs = list(zip(levels[:0:-1], levels[-2::-1]))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, stride=2) for i, o in pairs)
        self.up = nn.ModuleList(Level(2 * o, o) for _, o in pairs)
        self.last = nn.Conv2d(64, 3, 1)

    def forward(self, x):
        skips = []
        for depth, level in enumerate(self.down):
            x = level(x if depth == 0 else functional.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for rise, level in zip(self.rise, self.up):
            x = level(torch.cat([skips.pop(), rise(x)], 1))
        return self.last(x)


class BiLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(2500, 64, padding_idx=0)
        self.lstm = nn.LSTM(64, 256, num_layers=2, batch_first=True, bidirectional=True)
        self.last = nn.Linear(512, 2)

    def forward(self, tokens):
        states, _ = self.lstm(self.embedding(tokens))
        real = tokens.ne(0).unsqueeze(-1).to(states.dtype)
        return self.last((states * real).sum(1) / real.sum(1))


def dataset(model, samples):
    if model == "unet":
        images = torch.randint(0, 256, (samples, 3, 128, 128), dtype=torch.uint8)
        return images, torch.randint(0, 3, (samples, 128, 128), dtype=torch.uint8)
    tokens = torch.randint(1, 2500, (samples, 100), dtype=torch.int16)
    lengths = torch.randint(40, 101, (samples, 1))
    tokens[torch.arange(100) >= lengths] = 0
    return tokens, torch.randint(0, 2, (samples,), dtype=torch.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=["unet", "lstm"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--channels-last", action="store_true")
    given = parser.parse_args()
    batch_size = given.batch_size or {"unet": 16, "lstm": 64}[given.model]
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = given.precision == "tf32"
    torch.backends.cudnn.allow_tf32 = given.precision == "tf32"
    device = torch.device(given.device)
    layout = torch.channels_last if given.channels_last else torch.contiguous_format
    model = (UNet() if given.model == "unet" else BiLstm()).to(device)
    if given.channels_last:
        model = model.to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    inputs, targets = dataset(given.model, batch_size * given.steps)
    order = torch.randperm(batch_size * given.steps).split(batch_size)

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    step_seconds, losses = [], []
    for indices in order:
        wait()
        started = time.perf_counter()
        batch, right = inputs.index_select(0, indices).to(device), targets.index_select(0, indices).to(device).long()
        if given.model == "unet":
            batch = (batch.float() / 255).contiguous(memory_format=layout)
        else:
            batch = batch.long()
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=given.precision == "bf16"):
            logits = model(batch)
            loss = functional.cross_entropy(logits, right)
        loss.backward()
        optimizer.step()
        wait()
        step_seconds.append(time.perf_counter() - started)
        # What the trainer does between two steps: loss and score.
        losses.append(loss.item())
        with torch.no_grad():
            classes = logits.shape[1]
            torch.bincount((right * classes + logits.argmax(1)).flatten(), minlength=classes * classes).tolist()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(json.dumps({"torch": torch.__version__, "parameters": parameters, "step_seconds": step_seconds}))


main()
