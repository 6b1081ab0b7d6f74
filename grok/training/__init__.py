"""The engine: the training step, the probes that measure it, and the recorder that stores their measurements."""
