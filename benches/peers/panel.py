"""Panels beside R's msm: the same data and models, one run, CPU seconds, medians and ratios.

    build/peers/bin/python benches/peers/panel.py [--rounds 5] [--quick]

Needs R with msm (Debian: r-cran-msm) for its data sets and as the rival. Both sides are timed by the CPU that the fit
itself takes, standard errors included, data already in memory; ours with one thread.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import escalade as esc

RUNGS = ["none", "mild", "severe", "dead"]
MOVES = [
    ("none", "mild"),
    ("none", "dead"),
    ("mild", "none"),
    ("mild", "severe"),
    ("mild", "dead"),
    ("severe", "mild"),
    ("severe", "dead"),
]
ONE_WAY = [("none", "mild"), ("none", "dead"), ("mild", "severe"), ("mild", "dead"), ("severe", "dead")]

RIVAL = """
suppressMessages(library(msm)); folder <- "FOLDER"; rounds <- ROUNDS
big <- read.csv(file.path(folder, "big.csv"))
two <- rbind(c(0,.25,0,.25), c(.166,0,.166,.166), c(0,.25,0,.25), c(0,0,0,0))
one <- rbind(c(0,.148,0,.0171), c(0,0,.202,.081), c(0,0,0,.126), c(0,0,0,0))
table <- rbind(c(0,.1,0,0), c(.1,0,.1,0), c(0,.1,0,0), c(0,0,0,0))
five <- matrix(0, 5, 5); for (i in 1:4) { five[i, i+1] <- .2; five[i+1, i] <- .2 }
ctl <- list(fnscale=4000, maxit=10000)
plain <- msm(state ~ years, subject=PTNUM, data=cav, qmatrix=two, deathexact=4, control=ctl)
tasks <- list(
  plain = function() msm(state ~ years, subject=PTNUM, data=cav, qmatrix=two, deathexact=4, control=ctl)$minus2loglik,
  sex = function() msm(state ~ years, subject=PTNUM, data=cav, qmatrix=two, deathexact=4, covariates=~sex,
                       control=ctl)$minus2loglik,
  misclassified = function() msm(state ~ years, subject=PTNUM, data=cav, qmatrix=one, ematrix=table, deathexact=4,
                                 obstrue=firstobs, control=ctl)$minus2loglik,
  pieces = function() msm(state ~ years, subject=PTNUM, data=cav, qmatrix=two, deathexact=4, pci=5,
                          control=ctl)$minus2loglik,
  big = function() msm(state ~ time, subject=unit, data=big, qmatrix=five,
                       control=list(fnscale=4e4, maxit=10000))$minus2loglik,
  draws = function() pmatrix.msm(plain, t=10, ci="normal", B=1000)$estimates[1, 4])
for (name in names(tasks)) {
  took <- c(); for (k in 1:(if (name %in% c("plain", "sex", "draws")) rounds else 1)) {
    value <- NULL; took <- c(took, sum(system.time(value <- tasks[[name]]())[1:2])) }
  cat(sprintf('{"name": "%s", "seconds": %.6f, "value": %.8f}\\n', name, median(took), value)) }
"""


def cav_frame(folder):
    code = f'suppressMessages(library(msm)); write.csv(cav, "{folder}/cav.csv", row.names=FALSE)'
    subprocess.run(["Rscript", "-e", code], check=True)
    return pd.read_csv(folder / "cav.csv")


def big_frame(rows=40_000, visits=20, seed=1):
    """A panel of five rungs, each unit looked at at irregular times on a grid of hundredths."""
    names = [str(k) for k in range(1, 6)]
    pairs = [(a, b) for a in names for b in names if abs(int(a) - int(b)) == 1]
    m = esc.Model()
    ladder = m.ladder("l", names, moves={pair: esc.per_year(0.3 if pair[0] < pair[1] else 0.2) for pair in pairs})
    blank = pd.DataFrame({"unit": [0, 0], "time": [0.0, 1.0], "state": [1, 1]})
    fit = m.fit(esc.Panel(blank, id="unit", time="time", clock="year", rungs={ladder: "state"}), progress=False)
    paths = fit.simulate(rows // visits, 30.0, seed=seed)
    rng = np.random.default_rng(seed)
    parts = []
    for unit, own in paths.groupby("unit"):
        times = np.round(np.cumsum(rng.uniform(0.1, 1.5, visits)), 2)
        place = np.searchsorted(own["time"].to_numpy(), times, side="right") - 1
        parts.append(pd.DataFrame({"unit": unit, "time": times, "state": own["rung"].to_numpy()[place].astype(int)}))
    return pd.concat(parts, ignore_index=True)


def tasks(cav, big):
    """What is timed: (name, a function that fits and gives the number to compare)."""

    def fit(change=None):
        m = esc.Model()
        ladder = m.ladder("cav", RUNGS, moves=MOVES)
        if change is not None:
            change(ladder)
        columns = {"id": "PTNUM", "time": "years", "clock": "year", "rungs": {ladder: "state"}}
        return m.fit(esc.Panel(cav, **columns, exact=[ladder == "dead"]), progress=False)

    def misclassified():
        first = cav["firstobs"] == 1
        frame = cav.assign(truth=cav["state"].where(first), seen=cav["state"].where(~first))
        m = esc.Model()
        ladder = m.ladder("cav", RUNGS, moves=ONE_WAY)
        table = [[0.9, 0.1, 0, 0], [0.1, 0.8, 0.1, 0], [0, 0.1, 0.9, 0], [0, 0, 0, 1]]
        seen = m.status("seen", RUNGS, given=ladder, table=esc.table(table, free=True))
        columns = {"rungs": {ladder: "truth"}, "indicators": {seen: "seen"}}
        panel = esc.Panel(frame, id="PTNUM", time="years", clock="year", exact=[ladder == "dead"], **columns)
        return m.fit(panel, starts=1, progress=False)

    def large():
        names = [str(k) for k in range(1, 6)]
        m = esc.Model()
        ladder = m.ladder("l", names)
        panel = esc.Panel(big, id="unit", time="time", clock="year", rungs={ladder: "state"})
        return m.fit(panel, progress=False)

    plain = fit()
    deviance = {
        "plain": fit,
        "sex": lambda: fit(lambda ladder: ladder.covariate("sex")),
        "misclassified": misclassified,
        "pieces": lambda: fit(lambda ladder: ladder.pieces([5])),
        "big": large,
    }
    out = {name: (lambda of=of: -2 * of().log_likelihood) for name, of in deviance.items()}
    out["draws"] = lambda: plain.transition(10, draws=1000)["none", "dead"]
    return out


GOALS = {"plain": 50, "sex": 50, "misclassified": 50, "pieces": 50, "big": 30, "draws": 50}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="ours alone")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    esc.set_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cav, big = cav_frame(folder), big_frame()
        big.to_csv(folder / "big.csv", index=False)
        ours = {}
        for name, task in tasks(cav, big).items():
            took = []
            for _ in range(given.rounds):
                began = time.process_time()
                value = task()
                took.append(time.process_time() - began)
            ours[name] = (statistics.median(took), value)
            if given.quick:
                print(name, *ours[name])
        if given.quick:
            return
        code = RIVAL.replace("FOLDER", place).replace("ROUNDS", str(given.rounds))
        print("| what | msm, s | escalade, s | times | goal | msm's number | ours |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        with subprocess.Popen(
            ["Rscript", "-e", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as run:
            for line in run.stdout:
                rival = json.loads(line)
                seconds, value = ours[rival["name"]]
                ratio = f"{rival['seconds'] / seconds:.0f} | {GOALS[rival['name']]}"
                numbers = f"{rival['value']:.6f} | {value:.6f}"
                print(f"| {rival['name']} | {rival['seconds']:.3f} | {seconds:.4f} | {ratio} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
