"""The Bayesian network as users see it: against the whole joint table, by hand, and by its laws."""

import copy
import gzip
import itertools
import math
import os
import pickle
import signal
import threading
import time
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import escalade as esc
from oracle_net import World

matplotlib.use("Agg")
NETWORKS = Path(__file__).parents[3] / "shared" / "networks"
EXACT = 1e-10  # the issue's: rounding of a few hundred products
TABLE = 1e-13
SEEDS = range(40)
PROMPT = 1.5  # seconds until Ctrl-C is heard: the one, and what a busy machine adds


@pytest.fixture
def lawn():
    net = esc.BayesNet("lawn")
    rain = net.add("rain", {"no": 0.8, "yes": 0.2})
    hose = net.add("hose", ["off", "on"], given=rain, table={"no": [0.6, 0.4], "yes": [0.99, 0.01]})
    table = {"no": {"off": [1, 0], "on": [0.1, 0.9]}, "yes": {"off": [0.2, 0.8], "on": [0.01, 0.99]}}
    net.add("wet", ["no", "yes"], given=[rain, hose], table=table)
    return net


def asia():
    """Lauritzen and Spiegelhalter 1988."""
    net = esc.BayesNet("asia")
    asia = net.add("asia", {"no": 0.99, "yes": 0.01})
    smoke = net.add("smoke", {"no": 0.5, "yes": 0.5})
    tub = net.add("tub", ["no", "yes"], given=asia, table=[[0.99, 0.01], [0.95, 0.05]])
    lung = net.add("lung", ["no", "yes"], given=smoke, table=[[0.99, 0.01], [0.9, 0.1]])
    bronc = net.add("bronc", ["no", "yes"], given=smoke, table=[[0.7, 0.3], [0.4, 0.6]])
    either = esc.function(lambda tub, lung: "yes" if "yes" in (tub, lung) else "no")
    both = net.add("either", ["no", "yes"], given=[tub, lung], cpd=either)
    net.add("xray", ["no", "yes"], given=both, table=[[0.95, 0.05], [0.02, 0.98]])
    net.add("dysp", ["no", "yes"], given=[bronc, both], table=[[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.1, 0.9]])
    return net


class TestAgainstTheJointTable:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_posteriors(self, seed):
        world = World(seed)
        for _ in range(4):
            evidence, factor = world.evidence()
            weighted = world.joint * factor
            found = world.net.posteriors(evidence)
            assert found.log_evidence == pytest.approx(math.log(weighted.sum()), abs=EXACT)
            assert world.net.log_evidence(evidence) == pytest.approx(math.log(weighted.sum()), abs=EXACT)
            for v, name in enumerate(world.names):
                wanted = world.law_of(v, weighted)
                assert found[name].probs == pytest.approx(wanted, abs=EXACT)
                alone = world.net.posteriors(evidence, [name])
                assert alone[name].probs == pytest.approx(wanted, abs=EXACT)
                assert alone.log_evidence == pytest.approx(found.log_evidence, abs=EXACT)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_tables(self, seed):
        world = World(seed)
        for v, name in enumerate(world.names):
            assert world.net.table(name).probs.ravel() == pytest.approx(world.tables[v].ravel(), abs=TABLE)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_joint(self, seed):
        world = World(seed)
        evidence, factor = world.evidence()
        weighted = world.joint * factor / (world.joint * factor).sum()
        for axes in ([0, 3], [4, 1, 2], [2]):
            found = world.net.joint([f"v{a}" for a in axes], evidence)
            rest = tuple(i for i in range(5) if i not in axes)
            wanted = np.transpose(weighted.sum(axis=rest), np.argsort(np.argsort(axes)))
            assert found.probs == pytest.approx(wanted, abs=EXACT)
        assert world.net.joint(["v3", "v0"], evidence)["s1", "s0"] == pytest.approx(
            weighted.sum(axis=(1, 2, 4))[0, 1], abs=EXACT
        )

    @pytest.mark.parametrize("seed", SEEDS)
    def test_explanations(self, seed):
        world = World(seed)
        evidence, factor = world.evidence()
        weighted = world.joint * factor
        best = world.net.mpe(evidence)
        at = tuple(world.states(v).index(best[name]) for v, name in enumerate(world.names))
        assert weighted[at] == pytest.approx(weighted.max(), rel=1e-9)
        assert best.log_joint == pytest.approx(math.log(weighted.max()), abs=EXACT)
        assert best.probability == pytest.approx(weighted.max() / weighted.sum(), rel=1e-9)
        summed = weighted.sum(axis=(0, 2, 4))
        some = world.net.map(["v1", "v3"], evidence)
        assert some.log_joint == pytest.approx(math.log(summed.max()), abs=EXACT)
        at = tuple(world.states(v).index(some[f"v{v}"]) for v in (1, 3))
        assert summed[at] == pytest.approx(summed.max(), rel=1e-9)
        assert some.log_evidence == pytest.approx(math.log(weighted.sum()), abs=EXACT)

    @pytest.mark.parametrize("seed", range(20))
    def test_sensitivity(self, seed):
        world = World(seed, n=4)
        evidence, _ = world.evidence(0.3)
        target = (f"v{seed % 4}", "s1")
        found = world.net.sensitivity(target, evidence, odds=3)
        assert found.probability == pytest.approx(world.net.posteriors(evidence)[target[0]]["s1"], abs=EXACT)
        for i in range(len(found)):
            v, row, k, theta = found.variable[i], found.row[i], found.state[i], found.theta[i]

            def answer(moved, v=v, row=row, k=k):
                joint = world.joint_with(v, world.moved(v, row, k, moved))
                weighted = joint * world.factor_of(evidence)
                return world.law_of(int(target[0][1:]), weighted)[1]

            step = 1e-3 * theta * (1 - theta)  # near 0 a smaller one drowns in rounding
            slope = (answer(theta + step) - answer(theta - step)) / (2 * step)
            assert found.derivative[i] == pytest.approx(slope, rel=1e-4, abs=1e-6)
            ends = [answer(theta * f / (1 - theta + theta * f)) for f in (1 / 3, 3)]
            assert [found.low[i], found.high[i]] == pytest.approx(sorted(ends), abs=1e-9)
            assert found.at(i, theta / 2) == pytest.approx(answer(theta / 2), abs=1e-9)

    @pytest.mark.parametrize("seed", range(20))
    def test_value_of_information(self, seed):
        world = World(seed)
        evidence, factor = world.evidence(0.3)
        weighted = world.joint * factor / (world.joint * factor).sum()
        found = world.net.value_of_information("v2", evidence)
        assert list(found.bits) == sorted(found.bits, reverse=True)
        for name, bits, brier in zip(found.names, found.bits, found.brier, strict=True):
            v = int(name[1:])
            joint = weighted.sum(axis=tuple(i for i in range(5) if i not in (2, v)))
            joint = joint if v > 2 else joint.T  # the target first
            px, pt = joint.sum(axis=0), joint.sum(axis=1)
            inside = joint > 0
            wanted = (joint[inside] * np.log2(joint[inside] / np.outer(pt, px)[inside])).sum()
            assert bits == pytest.approx(max(wanted, 0), abs=1e-9)
            drop = (1 - (pt**2).sum()) - sum(
                p * (1 - ((joint[:, x] / p) ** 2).sum()) for x, p in enumerate(px) if p > 0
            )
            assert brier == pytest.approx(drop, abs=1e-9)

    @pytest.mark.parametrize("seed", range(20))
    def test_strength_and_conflict(self, seed):
        world = World(seed)
        evidence, factor = world.evidence(0.6)
        if len(evidence) < 2:
            return
        target = ("v4", "s0")
        found = world.net.evidence_strength(target, evidence)
        everything = world.net.posteriors(evidence)
        p = everything["v4"]["s0"]
        for words, bits, without, surprise in zip(
            found.findings, found.bits, found.without, found.surprise, strict=True
        ):
            rest = {k: w for k, w in evidence.items() if k != words.split()[0]}
            q = world.net.posteriors(rest)
            assert without == pytest.approx(q["v4"]["s0"], abs=EXACT)
            if 0 < p < 1 and 0 < without < 1:
                wanted = math.log2(p / (1 - p)) - math.log2(without / (1 - without))
                assert bits == pytest.approx(wanted, abs=1e-8)
            assert surprise == pytest.approx((q.log_evidence - everything.log_evidence) / math.log(2), abs=1e-9)
        apart = sum(math.log2((world.joint * world.factor_of({k: w})).sum()) for k, w in evidence.items())
        together = math.log2((world.joint * factor).sum())
        assert world.net.conflict(evidence) == pytest.approx(apart - together, abs=1e-8)
        assert found.decibans == pytest.approx(found.bits * 3.0103, rel=1e-4, nan_ok=True)

    @pytest.mark.parametrize("seed", range(12))
    def test_sample(self, seed):
        world = World(seed)
        evidence, factor = world.evidence()
        n = 20_000
        draws = world.net.sample(n, evidence, seed=seed)
        weighted = (world.joint * factor / (world.joint * factor).sum()).ravel()
        places = np.ravel_multi_index(draws.codes.T.astype(int), world.cards)
        counts = np.bincount(places, minlength=weighted.size)
        assert not counts[weighted == 0].any()
        error = np.sqrt(weighted * (1 - weighted) / n)
        assert (np.abs(counts / n - weighted) <= 5 * error + 1e-3).all()
        again = world.net.sample(n, evidence, seed=seed)
        assert (again.codes == draws.codes).all()

    @pytest.mark.parametrize("seed", range(12))
    def test_do(self, seed):
        world = World(seed)
        cut = world.joint_with(2, np.tile(np.eye(world.cards[2])[1], (len(world.tables[2]), 1)))
        found = world.net.do({"v2": "s1"}).posteriors()
        for v, name in enumerate(world.names):
            assert found[name].probs == pytest.approx(world.law_of(v, cut), abs=EXACT)

    @pytest.mark.parametrize("seed", range(12))
    def test_given_keeps_evidence(self, seed):
        world = World(seed)
        evidence, factor = world.evidence(0.3)
        more, factor_2 = world.evidence(0.3)
        weighted = world.joint * factor * factor_2
        net = world.net.given(evidence)
        if weighted.sum() == 0:
            with pytest.raises(esc.ImpossibleEvidence):
                net.posteriors(more)
            return
        found = net.posteriors(more)
        assert found.log_evidence == pytest.approx(math.log(weighted.sum()), abs=EXACT)
        for v, name in enumerate(world.names):
            assert found[name].probs == pytest.approx(world.law_of(v, weighted), abs=EXACT)

    @pytest.mark.parametrize("seed", range(12))
    @pytest.mark.parametrize("keep", [False, True])
    def test_predict(self, seed, keep):
        world = World(seed)
        net, factor = world.net, np.ones([1] * 5)
        if keep:
            evidence, factor = world.evidence(0.3)
            net = net.given(evidence)
        frame = world.net.sample(30, seed=1).to_frame("pandas")
        frame = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.4)
        found = net.predict(frame[["v1", "v3"]], ["v4", "v1"], ["v1", "v3"], impossible="nan", log_evidence=True)
        for i in range(len(frame)):
            weighted = world.joint * factor
            for v in (1, 3):
                state = frame[f"v{v}"][i]
                if isinstance(state, str):
                    weighted = weighted * world.spread([v], [s == state for s in world.states(v)])
            row = found.iloc[i]
            if weighted.sum() == 0:
                assert row.isna().sum() >= 2 and row["log_evidence"] == -math.inf
                continue
            assert row["log_evidence"] == pytest.approx(math.log(weighted.sum()), abs=1e-9)
            for target in (4, 1):
                wanted = world.law_of(target, weighted)
                states = world.states(target)
                assert [row[f"v{target}={s}"] for s in states] == pytest.approx(wanted, abs=EXACT)
                assert wanted[states.index(row[f"v{target}"])] == pytest.approx(wanted.max())


class TestAsia:
    """Numbers from the paper and by hand."""

    def test_priors(self):
        found = asia().posteriors()
        assert found["tub"]["yes"] == pytest.approx(0.0104, abs=1e-12)
        assert found["lung"]["yes"] == pytest.approx(0.055, abs=1e-12)
        assert found["either"]["yes"] == pytest.approx(1 - (1 - 0.0104) * (1 - 0.055), abs=1e-12)
        assert found["bronc"]["yes"] == pytest.approx(0.45, abs=1e-12)

    def test_bayes_rule_by_hand(self):
        found = asia().posteriors({"xray": "yes"})
        either = 1 - (1 - 0.0104) * (1 - 0.055)
        seen = 0.98 * either + 0.05 * (1 - either)
        assert math.exp(found.log_evidence) == pytest.approx(seen, abs=1e-12)
        assert found["lung"]["yes"] == pytest.approx(0.98 * 0.055 / seen, abs=1e-12)

    def test_structure(self):
        net = asia()
        assert net.parents("dysp") == ["bronc", "either"]
        assert net.children("smoke") == ["lung", "bronc"]
        assert net.ancestors("xray") == ["asia", "smoke", "tub", "lung", "either"]
        assert net.descendants("tub") == ["either", "xray", "dysp"]
        assert set(net.markov_blanket("either")) == {"tub", "lung", "xray", "dysp", "bronc"}
        assert net.d_separated("asia", "smoke")
        assert not net.d_separated("asia", "smoke", given="xray")
        assert net.d_separated(["xray"], ["dysp"], given=["either"])
        assert not net.d_separated("xray", "dysp", given=net["bronc"])


class TestBuilding:
    def test_forms_of_a_table(self, lawn):
        rows = lawn.table("wet").probs
        for table in (rows, rows.tolist(), rows.reshape(4, 2), rows.ravel(), [{"no": 1}, {"no": 0.1, "yes": 0.9}]):
            if isinstance(table, list) and isinstance(table[0], dict):
                table = [*table, {"no": 0.2, "yes": 0.8}, {"no": 0.01, "yes": 0.99}]
            net = lawn.copy()
            net.add("wet2", ["no", "yes"], given=["rain", net["hose"]], table=table)
            assert net.table("wet2").probs == pytest.approx(rows)

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ({"name": "rain", "states": {"a": 1}}, "'rain': its name is there already"),
            ({"states": {"a": 0.5, "b": 0.4}}, "sums to 0.9"),
            ({"states": ["a", "b"]}, "table= or its cpd="),
            ({"states": ["a", "a"], "table": [0.5, 0.5]}, "'a' is there twice"),
            ({"states": [1, 2], "table": [0.5, 0.5]}, "expected names"),
            ({"states": "ab", "table": [0.5, 0.5]}, "expected a list of names"),
            ({"states": ["a", "b"], "given": "reign", "table": [1, 0]}, "no variable 'reign'"),
            ({"states": ["a", "b"], "given": "rain", "table": [1, 0]}, "expected 2 rows of 2"),
            ({"states": ["a", "b"], "given": "rain", "table": {"no": [1, 0]}}, "no row for rain = 'yes'"),
            ({"states": ["a", "b"], "given": "rain", "table": [[1, 0], [0.5, 0.6]]}, "(rain = yes) sums to 1.1"),
            ({"states": ["a", "b"], "given": "rain", "table": [[1, 0], [2, -1]]}, "expected probabilities"),
            ({"states": ["a", "b"], "given": "rain", "table": {"no": {"c": 1}, "yes": [1, 0]}}, "'c'"),
            ({"states": ["a", "b"], "given": "rain", "table": [["x", 0], [2, 1]]}, "expected rows of 2 numbers"),
            ({"states": ["a", "b"], "table": [math.nan, 1]}, "nan"),
            ({"states": ["a", "b", "c"], "cpd": esc.noisy_or({"rain": 0.5})}, "two states"),
            ({"states": ["a", "b"], "cpd": esc.noisy_or({"rain": 1.5})}, "1.5"),
            ({"states": ["a", "b"], "cpd": esc.noisy_or({"rain": [0.1, 0.2, 0.3]})}, "each of yes"),
            ({"states": ["a", "b"], "cpd": esc.noisy_max({"rain": {"maybe": [1, 0]}})}, "'maybe'"),
            ({"states": ["a", "b"], "cpd": esc.noisy_max({"rain": [[0.7, 0.7]]})}, "sums to"),
            ({"states": ["a", "b"], "cpd": esc.ranked({"rain": 1}, spread=0)}, "spread"),
            ({"states": ["a", "b"], "cpd": esc.ranked({"rain": "x"}, spread=1)}, "weight of 'rain'"),
            ({"states": ["a", "b"], "cpd": esc.logistic({"rain": 1}, cuts=[0, 1])}, "cuts: 2 numbers"),
            ({"states": ["a", "b"], "given": "rain", "cpd": esc.function(lambda rain: "c")}, "(rain = no)"),
            ({"states": ["a", "b"], "given": "hose", "cpd": esc.noisy_or({"rain": 0.5})}, "the same parents"),
            ({"states": ["a", "b"], "cpd": "noisy"}, "expected esc.noisy_or"),
        ],
    )
    def test_what_is_refused_leaves_the_network_as_it_was(self, lawn, how, words):
        before, spec = list(lawn), lawn.copy()
        with pytest.raises(esc.EscaladeError) as error:
            lawn.add(how.pop("name", "new"), how.pop("states"), **how)
        assert words in str(error.value)
        assert list(lawn) == before and lawn == spec

    def test_large_noisy_or_is_never_expanded(self):
        net, n = esc.BayesNet(), 60
        for i in range(n):
            net.add(f"c{i}", {"no": 0.9, "yes": 0.1})
        net.add("e", ["no", "yes"], cpd=esc.noisy_or({f"c{i}": 0.2 for i in range(n)}, leak=0.05))
        assert net.posteriors()["e"]["no"] == pytest.approx(0.95 * (1 - 0.1 * 0.2) ** n, abs=EXACT)
        with pytest.raises(esc.TooLarge):
            net.table("e")

    def test_a_chain_of_thousands(self):
        net, n = esc.BayesNet(), 3000
        net.add("x0", {"a": 0.5, "b": 0.5})
        for i in range(1, n):
            net.add(f"x{i}", ["a", "b"], given=f"x{i - 1}", table=[[0.9, 0.1], [0.2, 0.8]])
        begin = time.perf_counter()
        net.add("end", ["a", "b"], given=f"x{n - 1}", table=[[0.9, 0.1], [0.2, 0.8]])
        assert time.perf_counter() - begin < 0.05, "a call must not compile the whole"
        seen = {f"x{i}": "a" for i in range(n)}
        assert net.log_evidence(seen) == pytest.approx(math.log(0.5) + (n - 1) * math.log(0.9), rel=1e-12)

    def test_more_effort_changes_no_answer(self, lawn):
        kept = lawn.given({"wet": "yes"}).compile(effort=5)
        assert kept == lawn.given({"wet": "yes"})
        assert kept.posteriors().probs == pytest.approx(lawn.posteriors({"wet": "yes"}).probs, abs=1e-14)
        assert len(kept.sample(0)) == 0

    def test_empty_and_single(self):
        net = esc.BayesNet()
        assert repr(net) == "<BayesNet: 0 variables, 0 links>" and net._repr_html_()
        assert len(net.posteriors()) == 0
        net.add("one", {"only": 1.0})
        assert net.posteriors()["one"]["only"] == 1.0
        assert net.mpe()["one"] == "only"


class TestMapping:
    def test_reads_as_a_mapping(self, lawn):
        assert list(lawn) == ["rain", "hose", "wet"] == [handle.name for handle in lawn.values()]
        assert len(lawn) == 3 and "rain" in lawn and "reign" not in lawn and 3 not in lawn
        assert dict(lawn.items())["hose"].given == ["rain"] and lawn.get("reign") is None
        with pytest.raises(esc.SpecError, match="no variable 'wett'"):
            lawn["wett"]
        with pytest.raises(TypeError):
            lawn["new"] = 3

    @pytest.mark.parametrize(
        "twin", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n)), esc.BayesNet.copy]
    )
    def test_copies_stand_alone(self, lawn, twin):
        kept = lawn.given({"wet": "yes"})
        other = twin(kept)
        assert other == kept and other != lawn and other.posteriors()["rain"]["yes"] == pytest.approx(0.3577, abs=1e-4)
        other.add("late", {"x": 1.0})
        assert "late" not in kept and other != kept and other["late"].model is other

    def test_shown(self, lawn):
        assert repr(lawn.given({"wet": "yes"})) == "<BayesNet 'lawn': 3 variables, 3 links; given wet = yes>"
        assert repr(lawn.do({"hose": "on"})) == "<BayesNet 'lawn': 3 variables, 2 links; do hose = on>"
        html = lawn._repr_html_()
        assert html.count("<svg") == 1 and "hose" in html
        for thing in (lawn.posteriors(), lawn.joint(["rain", "wet"]), lawn.mpe(), lawn.sample(3), lawn.table("wet")):
            assert "rain" in repr(thing) and "rain" in thing._repr_html_()


class TestEvidence:
    @pytest.mark.parametrize(
        "write",
        [
            lambda net: {"wet": "yes", "hose": "off"},
            lambda net: {net["wet"]: ["yes"], net["hose"]: esc.isnot("on")},
            lambda net: [net["wet"] == "yes", net["hose"] != "on"],
            lambda net: (net["wet"] == "yes") & (net["hose"] == "off"),
            lambda net: [{"wet": "yes"}, net["hose"].isin(["off"])],
            lambda net: [("wet", "yes"), {"hose": {"off": 1.0, "on": 0.0}}],
            lambda net: {"wet": np.array(["yes"]), "hose": {"off": 0.5}},
            lambda net: [~(net["wet"] == "no"), {"hose": {"off"}}],
            lambda net: [(net["wet"] == "yes") | (net["wet"] == "yes"), {"hose": ("off",)}],
        ],
    )
    def test_one_thing_said_in_many_ways(self, lawn, write):
        wanted = lawn.posteriors({"wet": "yes", "hose": "off"})
        assert lawn.posteriors(write(lawn)).probs == pytest.approx(wanted.probs, abs=1e-15)

    @pytest.mark.parametrize(
        ("write", "words"),
        [
            (lambda net: {"wett": "yes"}, "'wett'"),
            (lambda net: {"wet": "damp"}, "'wet' has no state 'damp'; it has no, yes"),
            (lambda net: {"wet": ["damp"]}, "'damp' is given; expected one of no, yes"),
            (lambda net: {"wet": 1}, "1 is given; expected a state"),
            (lambda net: {"wet": None}, "None is given"),
            (lambda net: {"wet": []}, "leaves no state"),
            (lambda net: {"wet": esc.isnot("no", "yes")}, "leaves no state"),
            (lambda net: {"wet": {"yes": -1.0}}, "likelihood of 'yes' is -1.0"),
            (lambda net: {"wet": {"yes": math.nan}}, "nan"),
            (lambda net: {"wet": {"yes": "often"}}, "'often'"),
            (lambda net: {"wet": {"yes": 0}}, "no state has any likelihood"),
            (lambda net: {3: "yes"}, "3 is given where the name"),
            (lambda net: "wet", "expected a mapping"),
            (lambda net: ["wet"], "expected a mapping"),
            (lambda net: 3, "expected a mapping"),
            (lambda net: (net["wet"] == "yes") | (net["hose"] == "on"), "single variables"),
            (lambda net: esc.since("2024-01-01"), "single variables"),
            (lambda net: {"wet": net["wet"] == "yes"}, "a condition stands by itself"),
        ],
    )
    def test_bad_evidence_is_named(self, lawn, write, words):
        with pytest.raises(esc.EscaladeError) as error:
            lawn.posteriors(write(lawn))
        assert words in str(error.value)

    def test_a_table_of_columns_is_asked_whether_it_is_transposed(self, lawn):
        with pytest.raises(esc.SpecError, match="is the table transposed"):
            lawn.add("sky", ["clear", "grey"], given="rain", table=[[0.9, 0.8], [0.1, 0.2]])

    def test_what_is_given_cannot_be_set(self, lawn):
        with pytest.raises(esc.SpecError, match=r"'rain' is given already \(rain = no\)"):
            lawn.given({"rain": "no"}).do({"rain": "yes"})
        assert lawn.do({"rain": "yes"}).given({"wet": "yes"}).posteriors()["rain"]["yes"] == 1

    def test_other_formats_are_not_written_as_bif(self, lawn, tmp_path):
        for name in ("lawn.xml", "lawn.XDSL.gz"):
            with pytest.raises(esc.SpecError, match="BIF is written"):
                lawn.write(tmp_path / name)
            assert not (tmp_path / name).exists()

    def test_answers_say_what_was_set(self, lawn):
        told = str(lawn.do({"wet": "yes"}).posteriors({"hose": "on"}, ["rain"]))
        assert told.startswith("Probabilities given do(wet) = yes, hose = on")
        assert "given do(wet) = yes" in str(lawn.do({"wet": "yes"}).value_of_information("rain"))
        assert "do(" not in str(lawn.posteriors({"hose": "on"}))

    def test_impossible_evidence_is_explained(self, lawn):
        with pytest.raises(esc.ImpossibleEvidence, match="rain = no, hose = off, wet = yes cannot all be true"):
            lawn.posteriors({"rain": "no", "hose": "off", "wet": "yes"})
        assert lawn.log_evidence({"rain": "no", "hose": "off", "wet": "yes"}) == -math.inf
        assert lawn.conflict({"rain": "no", "hose": "off", "wet": "yes"}) == math.inf
        with pytest.raises(esc.ImpossibleEvidence, match="rain = no and rain = yes"):
            lawn.posteriors([lawn["rain"] == "no", lawn["rain"] == "yes"])
        with pytest.raises(esc.ImpossibleEvidence):
            lawn.given({"rain": "no", "hose": "off", "wet": "yes"})

    def test_targets(self, lawn):
        assert list(lawn.posteriors(targets=[lawn["wet"], "rain"])) == ["wet", "rain"]
        assert list(lawn.posteriors(targets="wet")) == ["wet"]
        with pytest.raises(esc.SpecError, match="twice"):
            lawn.posteriors(targets=["wet", "wet"])
        with pytest.raises(esc.SpecError, match="no law of 'rain'"):
            lawn.posteriors(targets=["wet"])["rain"]
        for bad in ("wet", ("wet", "damp"), lawn["wet"].isin(["no", "yes"]), ("wett", "yes"), 3):
            with pytest.raises(esc.EscaladeError):
                lawn.sensitivity(bad)
        with pytest.raises(esc.SpecError, match="an intervention sets one state"):
            lawn.do({"rain": {"no": 0.5, "yes": 0.2}})


class TestPredict:
    def frame(self, **columns):
        return columns or {"wet": ["yes", None, "no"], "hose": ["off", "on", None], "id": ["a", "b", "c"]}

    @pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
    def test_the_same_kind_of_frame(self, lawn, kind):
        if kind == "pyarrow":
            pa = pytest.importorskip("pyarrow")
            frame = pa.table(self.frame())
        else:
            frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[kind](self.frame())
        found = lawn.predict(frame, "rain")
        assert type(found) is type(frame)
        columns = found.to_pydict() if kind == "pyarrow" else {c: list(found[c]) for c in found.columns}
        assert list(columns) == ["rain=no", "rain=yes", "rain"]
        assert columns["rain=yes"][0] == pytest.approx(1.0) and columns["rain"] == ["yes", "no", "no"]

    def test_pandas_keeps_its_index_and_categories(self, lawn):
        frame = pd.DataFrame(self.frame(), index=[5, 6, 9]).astype({"wet": "category"})
        found = lawn.predict(frame, ["rain"], probabilities=False)
        assert list(found.index) == [5, 6, 9] and list(found.columns) == ["rain"]

    def test_columns_by_mapping(self, lawn):
        frame = pd.DataFrame({"grass": ["yes"], "rain": ["no"]})
        found = lawn.predict(frame, ["rain"], {"grass": "wet"}, states=False)
        assert found["rain=yes"][0] == pytest.approx(lawn.posteriors({"wet": "yes"})["rain"]["yes"])

    def test_numbers_that_are_written_so(self):
        net = esc.BayesNet()
        net.add("x", {"0": 0.5, "1": 0.5})
        net.add("y", ["a", "b"], given="x", table=[[1, 0], [0, 1]])
        assert list(net.predict(pd.DataFrame({"x": [0, 1]}), "y")["y"]) == ["a", "b"]
        assert list(net.predict(pd.DataFrame({"x": [0, None, 1]}), "y")["y=b"]) == [0, 0.5, 1]

    def test_what_is_refused(self, lawn):
        frame = pd.DataFrame(self.frame())
        with pytest.raises(esc.SpecError, match="column 'wet', row 1: 'damp'"):
            lawn.predict(pd.DataFrame({"wet": ["yes", "damp"]}), ["rain"])
        with pytest.raises(esc.SpecError, match="no column bears the name"):
            lawn.predict(frame[["id"]], ["rain"])
        with pytest.raises(esc.SpecError, match="no column 'rain'"):
            lawn.predict(frame, ["wet"], ["rain"])
        with pytest.raises(esc.SpecError, match="a dict is given"):
            lawn.predict({"wet": ["yes"]}, ["rain"])
        with pytest.raises(esc.SpecError, match="at least one target"):
            lawn.predict(frame, [])
        with pytest.raises(esc.SpecError, match="impossible='skip'"):
            lawn.predict(frame, ["rain"], impossible="skip")

    def test_rows_that_cannot_be_weighed(self):
        # Each state of x is spoken against by two findings, 1e200 to 1 each.
        net = esc.BayesNet("far")
        net.add("x", ["a", "b"], table=[0.5, 0.5])
        tables = {"against a": [[1e-200, 1], [1, 0]], "against b": [[1, 0], [1e-200, 1]]}
        seen = {}
        for what, table in tables.items():
            for i in range(2):
                net.add(f"{what} {i}", ["yes", "no"], given="x", table=table)
                seen[f"{what} {i}"] = "yes"
        frame = pd.DataFrame([dict.fromkeys(seen), seen])
        with pytest.raises(esc.NotConverged, match="row 1: "):
            net.predict(frame, ["x"])
        found = net.predict(frame, ["x"], impossible="nan")
        assert found["x"].isna().tolist() == [False, True] and np.isnan(found["x=a"][1])

    def test_impossible_rows(self, lawn):
        frame = pd.DataFrame({"rain": ["yes", "no"], "hose": ["off", "off"], "wet": ["yes", "yes"]})
        lawn.add("sky", ["clear", "grey"], given="rain", table=[[0.9, 0.1], [0.2, 0.8]])
        with pytest.raises(esc.ImpossibleEvidence, match=r"row 1: .*rain = no, hose = off, wet = yes"):
            lawn.predict(frame, ["sky"])
        found = lawn.predict(frame, ["sky"], impossible="nan")
        assert found["sky"].isna().tolist() == [False, True] and np.isnan(found["sky=clear"][1])

    def test_no_rows(self, lawn):
        assert len(lawn.predict(pd.DataFrame({"wet": pd.Series([], dtype=str)}), ["rain"])) == 0


class TestFiles:
    def test_bif_round_trip(self, lawn, tmp_path):
        for name in ("lawn.bif", "lawn.bif.gz"):
            lawn.write(tmp_path / name)
            back = esc.BayesNet.read(tmp_path / name)
            assert back == lawn and list(back) == list(lawn)
        assert gzip.decompress((tmp_path / "lawn.bif.gz").read_bytes()).decode() == lawn.to_bif()
        assert esc.BayesNet.from_bif(lawn.to_bif()) == lawn

    def test_errors_have_a_place(self):
        with pytest.raises(esc.SpecError, match=r"x.bif, line 2, column \d+"):
            esc.BayesNet.from_bif("network x { }\nvariable {", "x.bif")

    @pytest.mark.skipif(not NETWORKS.is_dir(), reason="the benchmark networks are not here")
    def test_alarm(self):
        net = esc.BayesNet.read(NETWORKS / "alarm.bif.gz")
        found = net.posteriors({"HR": "HIGH"})["HYPOVOLEMIA"]
        assert found["TRUE"] + found["FALSE"] == pytest.approx(1)
        some = net.posteriors({"HR": "HIGH"}, ["HYPOVOLEMIA"])
        assert some["HYPOVOLEMIA"].probs == pytest.approx(found.probs, abs=TABLE)
        assert "<svg" in net._repr_html_()

    @pytest.mark.skipif(not NETWORKS.is_dir(), reason="the benchmark networks are not here")
    def test_evidence_counts_in_networks_that_are_cut(self):
        """Larger networks take another way through the engine: likelihoods there are not cut out."""
        net = esc.BayesNet.read(NETWORKS / "pathfinder.bif.gz")
        hard, soft = list(net)[5], list(net)[9]
        states = net[soft].states
        evidence = {hard: net[hard].states[0], soft: dict.fromkeys(states, 0.3) | {states[0]: 0.9}}
        target = next(iter(net))
        joint = net.joint([target, soft], {hard: net[hard].states[0]}).probs
        weighted = joint @ np.array([evidence[soft][s] for s in states])
        assert net.posteriors(evidence, [target])[target].probs == pytest.approx(weighted / weighted.sum(), abs=EXACT)
        assert net.posteriors(evidence)[target].probs == pytest.approx(weighted / weighted.sum(), abs=EXACT)


ASKED = {
    "posteriors": lambda net, target, seen: net.posteriors(seen),
    "log_evidence": lambda net, target, seen: net.log_evidence(seen),
    "joint": lambda net, target, seen: net.joint([target, *seen], seen),
    "mpe": lambda net, target, seen: net.mpe(seen),
    "map": lambda net, target, seen: net.map([target], seen),
    "sample": lambda net, target, seen: net.sample(100_000, seen),
    "predict": lambda net, target, seen: net.predict(
        pd.DataFrame({v: [s[0]] * 50_000 for v, s in seen.items()}), target
    ),
    "sensitivity": lambda net, target, seen: net.sensitivity((target, net[target].states[0]), seen),
    "evidence_strength": lambda net, target, seen: net.evidence_strength((target, net[target].states[0]), seen),
    "value_of_information": lambda net, target, seen: net.value_of_information(target, seen),
    "compile": lambda net, target, seen: net.compile(1000).posteriors(seen),
    "do": lambda net, target, seen: net.do({target: net[target].states[0]}).posteriors(seen),
    "to_bif": lambda net, target, seen: net.to_bif(),
}


def for_ever(ask, net, target, seen):
    while True:
        ask(net, target, seen)


@pytest.mark.skipif(not NETWORKS.exists(), reason="the networks lie beside the checkout only")
@pytest.mark.parametrize("name", ["munin1", "alarm"])
@pytest.mark.parametrize("asked", ASKED)
def test_an_interrupt_stops_every_question(name, asked):
    net = esc.BayesNet.read(NETWORKS / f"{name}.bif.gz")
    roots = [v for v in net if not net.parents(v)][:3]
    target = list(net)[len(net) // 2]
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(0.3, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        for_ever(ASKED[asked], net, target, {v: list(net[v].states) for v in roots})
    assert time.perf_counter() - sent[0] < PROMPT


class TestDrivers:
    def test_a_model_s_drivers_are_a_network(self):
        m = esc.Model(origin="2024-10-01")
        us = m.driver("us", {"a": 0.3, "b": 0.7}, worth=20)
        china = m.driver("china", ["x", "y"], given=us, table={"a": [0.7, 0.3], "b": {"x": 0.6, "y": 0.4}})
        assert m.drivers["china"] is china and m.drivers is m.drivers
        assert m.drivers.posteriors({"china": "x"})["us"]["a"] == pytest.approx(0.21 / (0.21 + 0.42))
        assert m.drivers.posteriors(china == "x", [us])[us]["a"] == pytest.approx(1 / 3)
        korea = m.ladder("korea", ["low", "high"])
        korea.effect(m.drivers["china"] == "x", up=2)
        with pytest.raises(esc.SpecError, match="single variables"):
            m.drivers.posteriors(korea >= "high")
        with pytest.raises(esc.SpecError, match=r"Model\.driver"):
            m.drivers.add("new", {"a": 1.0})
        free = m.drivers.copy()
        free.add("new", {"a": 1.0})
        assert "new" not in m.drivers and "<svg" in m.drivers._repr_html_()

    def test_the_article(self):
        model, _, _ = esc.datasets.article()
        net = model.drivers
        assert net.posteriors().probs.min() > 0 and net.to_bif()
        assert pickle.loads(pickle.dumps(net)) == net


class TestPictures:
    def test_all(self, lawn):
        lawn.plot()
        lawn.plot({"wet": "yes"})
        lawn.posteriors({"wet": "yes"}).plot()
        lawn.posteriors().plot("wet")
        lawn.sensitivity(("rain", "yes"), {"wet": "yes"}).plot()
        lawn.evidence_strength(("rain", "yes"), {"wet": "yes", "hose": "off"}).plot()
        lawn.value_of_information("rain").plot()
        matplotlib.pyplot.close("all")

    def test_large_networks_are_summed_up(self):
        net = esc.BayesNet()
        for i in range(61):
            net.add(f"x{i}", {"a": 0.5, "b": 0.5})
        assert "<svg" not in net._repr_html_() and "at most 60" in net._repr_html_()
        with pytest.raises(esc.SpecError, match="61 variables"):
            net.plot()

    def test_names_are_escaped(self):
        net = esc.BayesNet("<b>")
        net.add("<i>", {"<u>": 0.5, "&": 0.5})
        html = net._repr_html_() + net.posteriors()._repr_html_() + net.mpe()._repr_html_()
        assert not any(tag in html for tag in ("<i>", "<u>", "<b>"))

    def test_parameters_in_words(self):
        net = esc.BayesNet()
        for name in ("fire", "tamper"):
            net.add(name, {"no": 0.9, "yes": 0.1})
        net.add("alarm", ["off", "on"], cpd=esc.noisy_or({"fire": 0.9, "tamper": 0.5}, leak=0.01))
        found = net.sensitivity(("alarm", "on")).to_frame("pandas").set_index("parameter")
        assert found["theta"]["P(alarm = on | tamper = yes alone)"] == 0.5
        assert found["theta"]["P(alarm = off | fire = yes alone)"] == pytest.approx(0.1)
        assert found["theta"]["P(alarm = on | the leak alone)"] == 0.01
        assert found["theta"]["P(fire = yes)"] == 0.1

    def test_tables(self, lawn):
        table = lawn.sensitivity(("rain", "yes"), {"wet": "yes"})
        assert "P(wet = yes | rain = yes, hose = off)" in set(table.to_frame("pandas")["parameter"])
        assert lawn.posteriors().to_frame("polars").shape == (6, 3)
        assert lawn.joint(["rain", "wet"]).to_frame("pandas")["probability"].sum() == pytest.approx(1)
        assert lawn.table("wet").to_frame("pandas").shape == (4, 4)
        for thing in (table, lawn.value_of_information("rain"), lawn.evidence_strength(("rain", "yes"), {"wet": "no"})):
            assert len(thing.to_frame("pandas")) == len(thing) and thing._repr_html_() and str(thing) == repr(thing)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_laws(seed):
    world = World(seed)
    evidence, _ = world.evidence()
    found = world.net.posteriors(evidence)
    assert (found.probs >= 0).all() and (found.probs <= 1 + 1e-12).all()
    for law in found.values():
        assert law.probs.sum() == pytest.approx(1, abs=1e-12)
    turned = world.net.posteriors(dict(reversed(list(evidence.items()))))
    assert turned.probs == pytest.approx(found.probs, abs=1e-12)
    one_by_one = world.net
    for name, what in evidence.items():
        one_by_one = one_by_one.given({name: what})
    assert one_by_one.posteriors().probs == pytest.approx(found.probs, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_relabelling(seed, dice):
    """States in another order permute the answers."""
    world = World(seed, kinds=("table",))
    orders = [dice.sample(range(card), card) for card in world.cards]
    net = esc.BayesNet()
    for v, name in enumerate(world.names):
        table = world.tables[v].reshape([*(world.cards[p] for p in world.parents[v]), world.cards[v]])
        for axis, u in enumerate([*world.parents[v], v]):
            table = np.take(table, orders[u], axis=axis)
        states = [world.states(v)[k] for k in orders[v]]
        net.add(name, states, given=[f"v{p}" for p in world.parents[v]], table=table)
    evidence, _ = world.evidence()
    a, b = world.net.posteriors(evidence), net.posteriors(evidence)
    for name, state in ((n, s) for n in world.names for s in a[n]):
        assert a[name][state] == pytest.approx(b[name][state], abs=1e-12)


def test_orders_of_parents_do_not_matter(lawn):
    table = lawn.table("wet").probs
    net = esc.BayesNet()
    net.add("rain", {"no": 0.8, "yes": 0.2})
    net.add("hose", ["off", "on"], given="rain", table=lawn.table("hose").probs)
    net.add("wet", ["no", "yes"], given=["hose", "rain"], table=np.swapaxes(table, 0, 1))
    for states in itertools.product(("off", "on"), ("no", "yes")):
        seen = dict(zip(("hose", "wet"), states, strict=True))
        assert net.posteriors(seen)["rain"]["yes"] == pytest.approx(lawn.posteriors(seen)["rain"]["yes"], abs=1e-14)
