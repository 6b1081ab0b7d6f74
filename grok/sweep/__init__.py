"""Sweeps, which train many runs from one file on this machine or on a cluster; each run is trained once."""
