"""Sweeps: many runs from one file, on this machine or on a cluster, each trained once however often it is asked for."""
