"""Watch MIR and HDR while a small network learns handwritten digits: `python -m grok.examples.digits`."""

import torch
from torch import nn
from torch.nn import functional as F

from grok.information import Monitor, simplex_etf_interplay


def main(epochs: int = 10) -> None:
    """Train on two thirds of scikit-learn's digits and print a line per epoch."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("scikit-learn: expected an installation, got none (pip install scikit-learn)") from None
    torch.manual_seed(0)
    images, labels = (torch.tensor(array) for array in load_digits(return_X_y=True))
    order = torch.randperm(len(images))
    images, labels = images[order].float() / 16, labels[order]
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    print("epoch   train    test    MIR    HDR    (accuracies; 100 training samples with head rows of their labels)")
    with Monitor(model, head="4") as monitor:
        for epoch in range(1, epochs + 1):
            for batch in torch.randperm(1200).split(100):
                optimiser.zero_grad()
                F.cross_entropy(model(images[batch]), labels[batch]).backward()
                optimiser.step()
                monitor.record(labels[batch])
            sample = monitor.summary().sample
            monitor.reset()
            train, test = (model(images).argmax(dim=1) == labels).float().split([1200, 597])
            print(f"{epoch:5}  {train.mean():6.1%}  {test.mean():6.1%}  {sample.mir:.3f}  {sample.hdr:.3f}")
    print(f"       neural collapse:  {simplex_etf_interplay(num_classes=10).mir:.3f}  0.000")


if __name__ == "__main__":
    main()
