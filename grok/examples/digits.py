"""Watch MIR and HDR while a small network learns handwritten digits: `python -m grok.examples.digits`."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from grok.information import Monitor, simplex_etf_interplay


def main(epochs: int = 10) -> None:
    """Train on two thirds of scikit-learn's digits and print a line an epoch."""
    torch.manual_seed(0)
    images, labels = (torch.tensor(array) for array in load_digits(return_X_y=True))
    data = torch.utils.data.TensorDataset(images.float() / 16, labels)
    train, test = torch.utils.data.random_split(data, [1200, 597])
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    print("epoch  test accuracy  MIR    HDR    (256 training samples and the head rows of their labels)")
    with Monitor(model, head="4") as monitor:
        for epoch in range(1, epochs + 1):
            for batch, targets in torch.utils.data.DataLoader(train, batch_size=256, shuffle=True):
                optimiser.zero_grad()
                F.cross_entropy(model(batch), targets).backward()
                optimiser.step()
                monitor.record(targets)
            sample = monitor.summary().sample
            monitor.reset()
            test_images, test_labels = test[:]
            accuracy = (model(test_images).argmax(dim=1) == test_labels).float().mean()
            print(f"{epoch:5}  {accuracy:13.1%}  {sample.mir:.3f}  {sample.hdr:.3f}")
    print(f"       neural collapse {simplex_etf_interplay(num_classes=10).mir:.3f}  0.000")


if __name__ == "__main__":
    main()
