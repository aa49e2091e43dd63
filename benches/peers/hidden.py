"""Hidden Markov chains beside hmmlearn and deeptime, one thread each: ratios of medians over turns, in one run.

    python benches/peers/hidden.py [--turns 5] [--rounds 20]

All get the same sequences (as each takes them, converted beforehand) and the same start, and make the same number of
rounds; log-likelihoods must agree to ten digits. Peers that are not installed are left out.
"""

import argparse
import importlib.util
import json
import logging
import os
import statistics
import time
import warnings

os.environ.update(dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1"))

import numpy as np

import escalade as esc
from escalade.markov import Categorical, Gaussian, HiddenMarkov, Poisson

STATES, SYMBOLS, SEQUENCES, LENGTH = 8, 12, 1000, 200
#: At least so many times faster: (what, peer) to a ratio.
GOALS = {
    ("Baum–Welch, categorical", "deeptime"): 4,
    ("Baum–Welch, categorical", "hmmlearn"): 7,
    ("Baum–Welch, Gaussian", "hmmlearn"): 5,
    ("Baum–Welch, Poisson", "hmmlearn"): 8,
    ("log-likelihood, categorical", "hmmlearn"): 4,
    ("log-likelihood, categorical", "deeptime"): 4,
}


def there(name):
    """Whether a peer is installed."""
    return importlib.util.find_spec(name) is not None


def laws(rng, rows, columns):
    """Random laws, one a row."""
    return rng.dirichlet(np.ones(columns), rows)


def truth(rng):
    """Chains to draw from, and starts to fit from: apart from one another, so that all rounds have work to do."""
    moves = 0.7 * np.eye(STATES) + 0.3 * laws(rng, STATES, STATES)
    begin = {
        "start": np.full(STATES, 1 / STATES),
        "transitions": 0.5 * np.eye(STATES) + 0.5 * laws(rng, STATES, STATES),
    }
    means = np.arange(STATES, dtype=float)
    tables = [Categorical(range(SYMBOLS), laws(rng, STATES, SYMBOLS)) for _ in range(2)]
    ones = np.ones(STATES)
    families = {
        "categorical": tables,
        "Gaussian": [Gaussian(means=1.5 * means, covariances=ones), Gaussian(means=means + 0.3, covariances=2 * ones)],
        "Poisson": [Poisson(1 + 2 * means), Poisson(1.5 + 1.5 * means)],
    }
    for kind, (law, first) in families.items():
        chain = HiddenMarkov(STATES, law, start=np.full(STATES, 1 / STATES), transitions=moves)
        drawn = chain.sample(SEQUENCES, length=LENGTH, seed=1).outcomes
        yield kind, drawn, HiddenMarkov(STATES, first, **begin), begin, first


def hmmlearn_side(kind, drawn, begin, first, rounds):
    """What hmmlearn runs: a fit of so many rounds, and a log-likelihood."""
    from hmmlearn import hmm

    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    x, lengths = np.concatenate(drawn)[:, None], [len(d) for d in drawn]
    options = {"n_components": STATES, "n_iter": rounds, "tol": -np.inf, "init_params": "", "implementation": "scaling"}

    def model():
        if kind == "categorical":
            made = hmm.CategoricalHMM(n_features=SYMBOLS, **options)
            made.emissionprob_ = np.array(first.probs)
        elif kind == "Gaussian":
            made = hmm.GaussianHMM(covariance_type="diag", covars_prior=0.0, **options)
            made.n_features = 1
            made.means_, made.covars_ = np.array(first.means)[:, None], np.array(first.covariances)[:, None]
        else:
            made = hmm.PoissonHMM(**options)
            made.lambdas_ = np.array(first.means)[:, None]
        made.startprob_, made.transmat_ = begin["start"], begin["transitions"]
        return made

    return lambda: model().fit(x, lengths).score(x, lengths), lambda: model().score(x, lengths)


def deeptime_side(kind, drawn, begin, first, rounds):
    """What deeptime runs."""
    from deeptime.markov.hmm import HiddenMarkovModel, MaximumLikelihoodHMM

    if kind == "categorical":
        from deeptime.markov.hmm import DiscreteOutputModel

        make = lambda: DiscreteOutputModel(np.array(first.probs))  # noqa: E731
        seen = [np.asarray(d, dtype=np.int32) for d in drawn]
    elif kind == "Gaussian":
        from deeptime.markov.hmm import GaussianOutputModel

        make = lambda: GaussianOutputModel(STATES, np.array(first.means), np.sqrt(first.covariances))  # noqa: E731
        seen = [np.asarray(d, dtype=float) for d in drawn]
    else:
        return None

    def model():
        return HiddenMarkovModel(begin["transitions"].copy(), make(), initial_distribution=begin["start"].copy())

    def fitted():
        estimator = MaximumLikelihoodHMM(
            model(), lagtime=1, stride=1, maxit=rounds, accuracy=-np.inf, reversible=False, maxit_reversible=rounds
        )
        return estimator.fit(seen).fetch_model().likelihood

    def score():
        asked = model()
        return sum(asked.compute_observation_likelihood(d) for d in seen)

    return fitted, score


def ours(drawn, chain, rounds):
    """What we run: from the list of arrays as it comes."""

    def fitted():
        return chain.fit(drawn, max_rounds=rounds, tol=0.0, accelerate=False, progress=False).trace

    return fitted, lambda: chain.score(drawn)


def cpu(work):
    """CPU seconds and the answer."""
    begun = time.process_time()
    answer = work()
    return time.process_time() - begun, answer


def compete(sides, turns):
    """Medians of all sides over turns, one after the other in each, and their answers."""
    times, answers = {name: [] for name in sides}, {}
    for _ in range(turns):
        for name, work in sides.items():
            seconds, answers[name] = cpu(work)
            times[name].append(seconds)
    return {name: statistics.median(own) for name, own in times.items()}, answers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", help="write the rows here as well")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    esc.set_threads(1)
    rows = []
    for kind, drawn, chain, begin, first in truth(np.random.default_rng(0)):
        peers = {"hmmlearn": hmmlearn_side, "deeptime": deeptime_side}
        made = {name: side(kind, drawn, begin, first, options.rounds) for name, side in peers.items() if there(name)}
        works = {"escalade": ours(drawn, chain, options.rounds), **{k: v for k, v in made.items() if v}}
        for place, what in enumerate([f"Baum–Welch, {kind}", f"log-likelihood, {kind}"]):
            sides = {name: work[place] for name, work in works.items()}
            turns = options.turns if place == 0 else 5 * options.turns
            seconds, answers = compete(sides, turns)
            for name in [name for name in sides if name != "escalade"]:
                ratio, goal = seconds[name] / seconds["escalade"], GOALS.get((what, name))
                # deeptime tells the log-likelihood before the last round's step, hmmlearn is asked after it.
                own = answers["escalade"] if place else answers["escalade"][-2 if name == "deeptime" else -1]
                apart = abs(answers[name] / own - 1)
                met = "" if goal is None else "met" if ratio >= goal else "missed"
                rows.append((what, name, seconds["escalade"], seconds[name], ratio, goal or "", met, apart))
    print("| what | peer | ours, s | peer, s | ratio | goal | | apart |\n|" + " --- |" * 8)
    for what, name, own, other, ratio, goal, met, apart in rows:
        print(f"| {what} | {name} | {own:.4f} | {other:.4f} | {ratio:.1f} | {goal} | {met} | {apart:.0e} |")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file)


if __name__ == "__main__":
    main()
