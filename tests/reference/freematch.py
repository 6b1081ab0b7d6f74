"""FreeMatch as its paper writes it, one sample and one class at a time. Slow, and the oracle.

Wang et al., FreeMatch: Self-adaptive Thresholding for Semi-supervised Learning, ICLR 2023, equations 5 to 11.
"""

import numpy as np


def softmax(logits):
    powers = [np.exp(logit - max(logits)) for logit in logits]
    return [power / sum(powers) for power in powers]


def sum_norm(values):
    """SumNorm: divided by their sum."""
    return [value / sum(values) for value in values]


class FreeMatch:
    """The moving averages, and what a batch of weak and strong logits comes to."""

    def __init__(self, num_classes, decay):
        self.classes, self.decay = range(num_classes), decay
        self.threshold = 1 / num_classes
        self.p = [1 / num_classes for _ in self.classes]
        self.h = [1 / num_classes for _ in self.classes]

    def batch(self, weak, strong):
        """Which samples are used, their pseudo-labels, the loss on those, and fairness; the averages follow."""
        q = [softmax(logits) for logits in weak]
        pseudo = [int(np.argmax(each)) for each in q]
        n = len(q)

        # Equations 5, 6 and the first of 10
        self.threshold = self._follow(self.threshold, sum(max(each) for each in q) / n)
        self.p = [self._follow(self.p[c], sum(each[c] for each in q) / n) for c in self.classes]
        self.h = [self._follow(self.h[c], pseudo.count(c) / n) for c in self.classes]

        # Equations 7 and 8
        thresholds = [self.p[c] / max(self.p) * self.threshold for c in self.classes]
        used = [max(each) >= thresholds[label] for each, label in zip(q, pseudo, strict=True)]
        big_q = [softmax(logits) for logits in strong]
        consistency = sum(-np.log(big_q[i][pseudo[i]]) for i in range(n) if used[i]) / n

        # Equations 9 to 11; without a sample that is used there is nothing to be fair to
        chosen = [big_q[i] for i in range(n) if used[i]]
        if not chosen:
            return used, pseudo, consistency, 0.0
        p_bar = [sum(each[c] for each in chosen) / len(chosen) for c in self.classes]
        h_bar = [sum(int(np.argmax(each)) == c for each in chosen) / len(chosen) for c in self.classes]
        expected = sum_norm([p / h if h else 0.0 for p, h in zip(self.p, self.h, strict=True)])
        found = sum_norm([p / h if h else 0.0 for p, h in zip(p_bar, h_bar, strict=True)])
        fairness = sum(a * np.log(b + 1e-12) for a, b in zip(expected, found, strict=True))  # -H(a, b)
        return used, pseudo, consistency, fairness

    def _follow(self, average, value):
        return self.decay * average + (1 - self.decay) * value
