"""Long work: the same bits for any number of threads, Ctrl-C, pickles, and objects that survive an interrupt."""

from __future__ import annotations

import os
import pickle
import signal
import threading

import numpy as np
import pytest

import escalade as esc


@pytest.fixture(scope="module")
def article():
    return esc.datasets.article()


@pytest.fixture
def threads():
    before = esc.threads()
    yield esc.set_threads
    esc.set_threads(before)


def test_bits_do_not_depend_on_threads(article, threads):
    model, dossier, questions = article
    seen = []
    for n in (1, 2, 7):
        threads(n)
        fit = model.fit(dossier, draws=8, seed=3, progress=False)
        answers = fit.ask_draws(questions[:4])
        seen.append((fit._core.theta, answers))
    for theta, answers in seen[1:]:
        np.testing.assert_array_equal(theta, seen[0][0])
        np.testing.assert_array_equal(answers, seen[0][1])


def test_a_pickled_fit_gives_the_same_bits(article):
    model, dossier, questions = article
    fit = model.fit(dossier, draws=4, seed=1, progress=False)
    varied = fit.without(fit.dossier[0].id)
    for one in (fit, varied):
        twin = pickle.loads(pickle.dumps(one))
        np.testing.assert_array_equal(twin.ask_draws(questions[:3]), one.ask_draws(questions[:3]))


def fit_for_ever(model, dossier):
    while True:
        model.fit(dossier, draws=200, progress=False)


def test_an_interrupt_stops_a_fit_and_leaves_the_model_usable(article):
    model, dossier, questions = article
    # A shell that starts the tests in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fit_for_ever(model, dossier)
    answer = model.condition(dossier).ask(questions[:1])
    assert 0 < answer[0].probability < 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_can_compute(article):
    model, dossier, questions = article
    parent = model.condition(dossier).ask(questions[:1])[0].probability
    child = os.fork()
    if child == 0:
        same = model.condition(dossier).ask(questions[:1])[0].probability == parent
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
