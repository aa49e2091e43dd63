"""The data sets of R's msm, which are its own and not shipped here: converted where R and msm are installed."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import pytest

WHY = "R with the package msm (Debian: r-cran-msm) is not installed: its data sets are not shipped here"


@functools.cache
def folder():
    """A folder with a CSV for each data set, or None."""
    if shutil.which("Rscript") is None:
        return None
    place = Path(tempfile.mkdtemp(prefix="msm"))
    code = (
        'suppressMessages(library(msm)); for (name in c("cav","psor","bos3","bos4","aneur","fev")) '
        f'write.csv(get(name), file.path("{place}", paste0(name, ".csv")), row.names=FALSE)'
    )
    done = subprocess.run(["Rscript", "-e", code], capture_output=True)
    return place if done.returncode == 0 else None


def data(name):
    """A data set of msm as a pandas frame; the test is skipped where there is none."""
    if folder() is None:
        pytest.skip(WHY)
    return pd.read_csv(folder() / f"{name}.csv")
