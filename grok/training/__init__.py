"""The engine: the training step, the probes that measure it, the recorder that keeps what they measure."""
