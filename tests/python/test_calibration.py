"""Simulation-based calibration, in short: benches/calibration.py with few replicates, and one that once took hours."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "benches" / "calibration.py"

REPLICATES = 12
# Of 17 χ² at once, each with 12 replicates in 20 bins: one in ten thousand falls below this.
SMALLEST = 1e-6
# The shares that 90 % intervals of 16 coordinates of 12 replicates hold: coordinates of one replicate lean together.
COVERED = (0.8, 0.98)


@pytest.fixture(scope="module")
def calibration():
    spec = importlib.util.spec_from_file_location("calibration_bench", BENCH)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_ranks_are_uniform_and_intervals_cover(calibration):
    found = calibration.calibrate(REPLICATES, tune=120, draws=120)
    _, p = found.chi2()
    assert p.min() > SMALLEST, calibration.table(found)
    # Ranks from 0 to 99: their mean over all has an error of 29 / √(12 · 16), more as coordinates lean together.
    assert abs(found.ranks[:, :-1].mean() - 49.5) < 10
    assert COVERED[0] < found.nuts.mean(axis=(0, 2))[1] < COVERED[1]
    assert found.divergences == 0 and len(found.names) == found.ranks.shape[1] == 17


def test_a_start_far_out_does_not_take_hours(calibration):
    # Its first chain began where intensities were thousands of times the mode's, so that one gradient took minutes.
    begin = time.process_time()
    ranks, *_ = calibration.replicate(135, 60, 60)
    assert np.all((ranks >= 0) & (ranks <= 99)) and time.process_time() - begin < 60
