"""The oracle of the Bayesian network: the whole joint table, and everything read off it."""

import itertools
import math

import numpy as np
from scipy.stats import norm

import escalade as esc

POINTS = {1: 5, 2: 5, 3: 5, 4: 3, 5: 3}  # of a ranked node's parents: how finely a state's interval is looked at


def rows(cards):
    return list(itertools.product(*map(range, cards)))


def law(rng, n, zeros=0.15):
    p = rng.gamma(0.8, size=n) + 1e-3
    p[rng.random(n) < zeros] = 0
    return np.ones(n) / n if p.sum() == 0 else p / p.sum()


def noisy_table(card, cards, links, leak):
    out = []
    for config in rows(cards):
        cdf = np.cumsum(leak) if leak is not None else np.ones(card)
        for link, state in zip(links, config, strict=True):
            cdf = cdf * np.cumsum(link[state])
        out.append(np.diff(cdf, prepend=0))
    return np.array(out)


def ranked_table(card, cards, weights, spread, by):
    fine, w = POINTS[len(cards)], np.array(weights)
    edges, out = np.arange(card + 1) / card, []
    for config in rows(cards):
        total = np.zeros(card)
        for at in rows([fine] * len(cards)):
            x = np.array([(s + (k + 0.5) / fine) / c for s, k, c in zip(config, at, cards, strict=True)])
            lean = (w * x + x.sum() - x) / (w + len(x) - 1)
            mean = (w @ x) / w.sum() if by == "mean" else lean.min() if by == "min" else lean.max()
            cdf = norm.cdf((edges - mean) / spread)
            total += np.diff(cdf) / (cdf[-1] - cdf[0])
        out.append(total / total.sum())
    return np.array(out)


def logistic_table(cards, cuts, effects):
    out = []
    for config in rows(cards):
        score = sum(effect[s] for effect, s in zip(effects, config, strict=True))
        cdf = [0, *(1 / (1 + math.exp(score - cut)) for cut in cuts), 1]
        out.append(np.diff(cdf))
    return np.array(out)


class World:
    """A random network of all kinds of nodes, and its joint table by brute force."""

    def __init__(self, seed, n=5, kinds=("table", "noisy_or", "noisy_max", "ranked", "logistic", "function")):
        rng = np.random.default_rng(seed)
        self.rng, self.names, self.cards, self.parents, self.tables = rng, [], [], [], []
        self.noisy = {}
        self.net = esc.BayesNet(f"world {seed}")
        for i in range(n):
            name, card = f"v{i}", int(rng.integers(2, 4))
            given = sorted(rng.choice(i, size=min(i, int(rng.integers(0, 4))), replace=False).tolist()) if i else []
            kind = str(rng.choice(kinds)) if given else "table"
            card = 2 if kind == "noisy_or" else card
            self._add(name, card, given, kind)
        self.joint = np.ones(self.cards)
        for v, (given, table) in enumerate(zip(self.parents, self.tables, strict=True)):
            self.joint = self.joint * self.spread([*given, v], table)

    def states(self, v):
        return [f"s{k}" for k in range(self.cards[v])]

    def spread(self, axes, table):
        """A table over some variables, as a factor over all."""
        cards = [self.cards[a] for a in axes]
        order = np.argsort(axes)
        table = np.transpose(np.reshape(table, cards), order)
        return table.reshape([c if i in axes else 1 for i, c in enumerate(self.cards)])

    def _add(self, name, card, given, kind):
        rng, cards = self.rng, [self.cards[p] for p in given]
        states, names, count = [f"s{k}" for k in range(card)], [f"v{p}" for p in given], math.prod(cards)
        if kind == "table":
            table = np.array([law(rng, card) for _ in range(count)])
            how = {"table": table, "given": names}
        elif kind == "noisy_or":
            chances = [rng.random(c - 1).tolist() for c in cards]
            leak = float(rng.random()) if rng.random() < 0.7 else None
            links = [np.array([[1, 0], *([1 - p, p] for p in chance)]) for chance in chances]
            self.noisy[len(self.names)] = links, None if leak is None else np.array([1 - leak, leak])
            table = noisy_table(2, cards, *self.noisy[len(self.names)])
            how = {"cpd": esc.noisy_or(dict(zip(names, chances, strict=True)), leak=leak)}
        elif kind == "noisy_max":
            links = [np.array([law(rng, card, 0) for _ in range(c)]) for c in cards]
            leak = law(rng, card, 0) if rng.random() < 0.7 else None
            self.noisy[len(self.names)] = links, leak
            table = noisy_table(card, cards, links, leak)
            how = {"cpd": esc.noisy_max(dict(zip(names, links, strict=True)), leak=leak)}
        elif kind == "ranked":
            weights, spread = (rng.random(len(cards)) + 0.1).tolist(), float(rng.uniform(0.05, 0.5))
            by = str(rng.choice(["mean", "min", "max"]))
            table = ranked_table(card, cards, weights, spread, by)
            how = {"cpd": esc.ranked(dict(zip(names, weights, strict=True)), spread=spread, by=by)}
        elif kind == "logistic":
            cuts, effects = np.sort(rng.normal(size=card - 1)).tolist(), [rng.normal(size=c).tolist() for c in cards]
            table = logistic_table(cards, cuts, effects)
            how = {"cpd": esc.logistic(dict(zip(names, effects, strict=True)), cuts=cuts)}
        else:
            found = {config: int(rng.integers(card)) for config in rows(cards)}
            table = np.array([np.eye(card)[k] for k in found.values()])
            rule = {tuple(f"s{k}" for k in config): f"s{k}" for config, k in found.items()}
            how = {"given": names, "cpd": esc.function(lambda **at: rule[tuple(at.values())])}
        self.net.add(name, states, **how)
        self.names.append(name)
        self.cards.append(card)
        self.parents.append(given)
        self.tables.append(np.array(table, dtype=float))

    def evidence(self, rate=0.45):
        """Random evidence of all kinds that is possible, as users write it, and its factor."""
        while True:
            written, factor = {}, np.ones([1] * len(self.cards))
            for v, card in enumerate(self.cards):
                if self.rng.random() > rate:
                    continue
                states, kind = self.states(v), self.rng.integers(4)
                k = int(self.rng.integers(card))
                weights = np.zeros(card)
                if kind == 0:
                    weights[k], what = 1, states[k]
                elif kind == 1:
                    weights[:], weights[k], what = 1, 0, esc.isnot(states[k])
                elif kind == 2:
                    inside = sorted({k, int(self.rng.integers(card))})
                    weights[inside], what = 1, [states[i] for i in inside]
                else:
                    weights = self.rng.random(card) + 0.01
                    what = dict(zip(states, weights.tolist(), strict=True))
                written[f"v{v}"] = what
                factor = factor * self.spread([v], weights)
            if (self.joint * factor).sum() > 0:
                return written, factor

    def law_of(self, v, weighted):
        p = weighted.sum(axis=tuple(i for i in range(len(self.cards)) if i != v))
        return p / p.sum()

    def joint_with(self, v, table):
        """The joint table with another table of one variable."""
        joint = np.ones(self.cards)
        for u, (given, own) in enumerate(zip(self.parents, self.tables, strict=True)):
            joint = joint * self.spread([*given, u], table if u == v else own)
        return joint

    def moved(self, v, row, k, theta):
        """The table of a variable with one of its parameters moved, the rest of its row in proportion."""
        if v not in self.noisy:
            table = self.tables[v].copy()
            rows = [table]
        else:
            links, leak = [link.copy() for link in self.noisy[v][0]], self.noisy[v][1]
            leak = None if leak is None else leak.copy()
            rows = [*links, *([] if leak is None else [leak[None, :]])]
        for part in rows:
            if row < len(part):
                part[row] *= (1 - theta) / (1 - part[row, k])
                part[row, k] = theta
                break
            row -= len(part)
        if v not in self.noisy:
            return table
        return noisy_table(self.cards[v], [self.cards[p] for p in self.parents[v]], links, leak)

    def factor_of(self, evidence):
        """The factor of evidence as it is written."""
        factor = np.ones([1] * len(self.cards))
        for name, what in evidence.items():
            v = int(name[1:])
            states = self.states(v)
            if isinstance(what, dict):
                weights = [what.get(s, 0.0) for s in states]
            elif isinstance(what, str | list):
                weights = [float(s in ([what] if isinstance(what, str) else what)) for s in states]
            else:
                weights = [float(s not in what.states) for s in states]
            factor = factor * self.spread([v], weights)
        return factor
