"""The Bayesian network: built by names, read from a file, asked."""

from __future__ import annotations

import gzip
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _core
from . import bayes_results as results
from ._core import SpecError
from .bayes_asking import Asking
from .condition import Condition
from .evidence import EvidenceLike, Findings, read, words
from .handles import Handle
from .nodes import NodeLaw, flat_table
from .values import Tree, missing, name_of, names_of, to_json

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes


class Variable(Handle):
    """A variable of a Bayesian network. Compared with a state it gives a condition: ``net["rain"] == "yes"``.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.8, "yes": 0.2})
    >>> rain == "yes"
    <Condition rain = yes>
    """

    kind = "variable"
    condition_key = "driver"
    __slots__ = ()

    @property
    def model(self) -> Any:
        """The network it belongs to."""
        return self._model

    def _condition(self, test: Tree) -> Condition:
        states = [test["is"]] if isinstance(test["is"], str) else test["is"]
        for state in states:
            if state not in self.states:
                raise SpecError(f"{self.name} has no state {state!r}; it has {', '.join(self.states)}")
        return Condition({"driver": self.name, **test}, self._model)


class BayesNet(Asking):
    """A discrete Bayesian network: exact answers, by names.

    It is a mapping of names to variables. What is asked is compiled once and kept, so that the next question with other
    evidence is cheap. Rows of tables that sum to 1 within 1e-6 are divided by their sum; others are refused.

    Parameters
    ----------
    name : str
        A title.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet("lawn")
    >>> rain = net.add("rain", {"no": 0.8, "yes": 0.2})
    >>> hose = net.add("sprinkler", ["off", "on"], given=rain, table={"no": [0.6, 0.4], "yes": [0.99, 0.01]})
    >>> wet = net.add("wet", ["no", "yes"], given=[rain, hose],
    ...               table={"no": {"off": [1, 0], "on": [0.1, 0.9]}, "yes": {"off": [0.2, 0.8], "on": [0.01, 0.99]}})
    >>> round(net.posteriors({"wet": "yes"})["rain"]["yes"], 4)
    0.3577
    >>> net
    <BayesNet 'lawn': 3 variables, 3 links>

    References
    ----------
    S. L. Lauritzen and D. J. Spiegelhalter, "Local computations with probabilities on graphical structures and their
    application to expert systems", JRSS B 50, 1988.
    """

    def __init__(self, name: str = "") -> None:
        self._begin(name, [], None)

    def _begin(self, name: str, nodes: list[Tree] | None, core: _core.BayesNet | None) -> None:
        """Empty, of a list of nodes, or of a kernel (nodes are then read from it when they are needed)."""
        self._name = name
        self._nodes = nodes
        self._core = core
        self._effort: float | None = None
        self._handles: dict[str, Handle] = {}
        self._known: Findings = {}
        self._done: dict[str, str] = {}
        self._labels: results.Labels | None = None
        self._some: dict[tuple[str, ...], results.Labels] = {}
        self._frozen = ""

    @classmethod
    def _of(cls, core: _core.BayesNet) -> BayesNet:
        """The network of a kernel."""
        net = cls.__new__(cls)
        net._begin(core.name, None, core)
        names = core.names()
        for name, states, parents in zip(names, core.states(), core.parents(), strict=True):
            entry = {"name": name, "states": states, "given": [names[p] for p in parents]}
            net._handles[name] = Variable(net, entry)  # type: ignore[arg-type]
        return net

    @classmethod
    def _restore(cls, spec: str, known: Findings, done: dict[str, str]) -> BayesNet:
        net = cls._of(_core.BayesNet(spec))
        net._known, net._done = known, done
        return net

    @classmethod
    def _of_drivers(cls, name: str, drivers: Mapping[str, Handle], tables: list[list[float]]) -> BayesNet:
        """The network of a model's drivers, tables at the modes of their priors."""
        net = cls.__new__(cls)
        net._begin(name, [], None)
        net._handles = dict(drivers)
        for handle, table in zip(drivers.values(), tables, strict=True):
            net._tree.append(
                {"name": handle.name, "states": handle.states, "given": handle.given, "cpd": {"table": table}}
            )
        net._frozen = "these are the drivers of a model; add one with Model.driver, or take drivers.copy()"
        return net

    # Building

    def add(
        self,
        name: str,
        states: Sequence[str] | Mapping[str, float],
        *,
        given: Any = None,
        table: Any = None,
        cpd: NodeLaw | None = None,
    ) -> Variable:
        """Add a variable. Its numbers are checked at once; a call that is refused leaves the network as it was.

        Parameters
        ----------
        name : str
            Its name.
        states : list of str, or mapping of state to probability
            Its states; a mapping gives the table of a variable without parents as well.
        given : variable, name or list, optional
            Its parents, there already. A `cpd` that names its parents needs none.
        table : mapping or array, optional
            A row for each configuration of the parents, nested by their states or with the last parent fastest; a row
            is a list in the order of `states`, or a mapping.
        cpd : NodeLaw, optional
            Instead of a table: :func:`noisy_or`, :func:`noisy_max`, :func:`ranked`, :func:`logistic`, :func:`function`.

        Returns
        -------
        Variable
            To be a parent of others, and to be compared with its states.

        Raises
        ------
        SpecError
            A name that is there already, a parent that is not, rows that do not sum to 1.

        Examples
        --------
        >>> import escalade as esc
        >>> net = esc.BayesNet()
        >>> fire = net.add("fire", {"no": 0.99, "yes": 0.01})
        >>> net.add("alarm", ["off", "on"], given=fire, table=[[0.95, 0.05], [0.1, 0.9]])
        <Variable alarm: off, on>
        """
        if self._frozen:
            raise SpecError(self._frozen)
        place = f"node {name!r}"
        if not isinstance(name, str) or not name:
            raise SpecError(f"{place}: expected a name")
        if name in self._handles:
            raise SpecError(f"{place}: its name is there already")
        parents = [self[parent] for parent in names_of(given, f"{place}, given")]
        if isinstance(states, Mapping):
            if table is not None or cpd is not None or parents:
                raise SpecError(
                    f"{place}: probabilities beside the states are the whole law; drop given=, table=, cpd="
                )
            table, states = list(states.values()), list(states)
        if isinstance(states, str):
            raise SpecError(f"{place}: states={states!r}; expected a list of names")
        states = list(states)
        if not all(isinstance(state, str) for state in states):
            raise SpecError(f"{place}: states={states!r}; expected names")
        if (table is None) == (cpd is None):
            raise SpecError(f"{place}: expected its table= or its cpd=, one of them")
        if cpd is None:
            law: Tree = {"table": flat_table(name, table, parents, states)}
        elif isinstance(cpd, NodeLaw):
            said = cpd.parents
            if said is not None:
                if given is None:
                    parents = [self[parent] for parent in said]
                elif {p.name for p in parents} != set(said):
                    raise SpecError(f"{place}: given= and cpd= do not name the same parents ({', '.join(said)})")
            law = cpd.tree(name, states, parents)
        else:
            raise SpecError(f"{place}: cpd={cpd!r}; expected esc.noisy_or(...) or another law of its family")
        node = {"name": name, "states": states, "given": [parent.name for parent in parents], "cpd": law}
        # With stand-ins for the parents, so that a network of n variables is not checked n times.
        stand_ins = [
            {"name": p.name, "states": p.states, "cpd": {"table": [1 / len(p.states)] * len(p.states)}} for p in parents
        ]
        _core.BayesNet(to_json({"name": "", "node": [*stand_ins, node]}))
        self._tree.append(node)
        handle = Variable(self, node)  # type: ignore[arg-type]
        self._handles[name] = handle
        self._core, self._labels = None, None
        self._some.clear()
        return handle

    @property
    def _tree(self) -> list[Tree]:
        """The nodes as the kernel takes them."""
        if self._nodes is None:
            self._nodes = json.loads(self._kernel().spec())["node"] if self._core else []
        return self._nodes

    def _kernel(self) -> _core.BayesNet:
        if self._core is None:
            effort = {} if self._effort is None else {"effort": self._effort}
            self._core = _core.BayesNet(to_json({"name": self._name, "node": self._tree}), **effort)
        return self._core

    def compile(self, effort: float = 1.0) -> BayesNet:
        """The same network with more work for good elimination orders, worth it where many questions follow.

        Parameters
        ----------
        effort : float
            As a multiple of the work of one pass over the tables; much less than 1 where nothing is said.
        """
        net = self.copy()
        net._effort = float(effort)
        net._core = self._kernel().fresh(effort)
        return net

    # Looking

    def __getitem__(self, name: Any) -> Handle:
        key = name_of(name)
        handle = self._handles.get(key)
        if handle is None:
            raise missing("there is no variable", key, self._handles)
        return handle

    def get(self, name: Any, default: Any = None) -> Any:
        """A variable, or something else where there is none.

        Parameters
        ----------
        name : str or variable
            Its name.
        default : object
            What is given where there is none.
        """
        return self._handles.get(name_of(name), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._handles

    def __iter__(self) -> Iterator[str]:
        return iter(self._handles)

    def __len__(self) -> int:
        return len(self._handles)

    @property
    def name(self) -> str:
        """Its title."""
        return self._name

    @property
    def links(self) -> list[tuple[str, str]]:
        """The links, as (parent, child)."""
        return [(parent, name) for name, handle in self._handles.items() for parent in handle.given]

    @property
    def known(self) -> dict[str, Any]:
        """The evidence that :meth:`given` keeps."""
        return dict(self._known)

    def parents(self, of: Any) -> list[str]:
        """The variables that its table looks at.

        Parameters
        ----------
        of : variable or name
            The variable.
        """
        return self[of].given

    def children(self, of: Any) -> list[str]:
        """The variables whose tables look at it.

        Parameters
        ----------
        of : variable or name
            The variable.
        """
        name = self[of].name
        return [child for child, handle in self._handles.items() if name in handle.given]

    def ancestors(self, of: Any) -> list[str]:
        """Its parents, theirs, and so on, in the order of the network.

        Parameters
        ----------
        of : variable or name
            The variable.
        """
        return self._reach(self[of].name, lambda name: self._handles[name].given)

    def descendants(self, of: Any) -> list[str]:
        """Its children, theirs, and so on, in the order of the network.

        Parameters
        ----------
        of : variable or name
            The variable.
        """
        below: dict[str, list[str]] = {name: [] for name in self._handles}
        for parent, child in self.links:
            below[parent].append(child)
        return self._reach(self[of].name, below.__getitem__)

    def _reach(self, start: str, step: Any) -> list[str]:
        seen, ahead = set(), [start]
        while ahead:
            for other in step(ahead.pop()):
                if other not in seen:
                    seen.add(other)
                    ahead.append(other)
        return [name for name in self._handles if name in seen]

    def markov_blanket(self, of: Any) -> list[str]:
        """Its parents, children and the children's other parents: once they are known, nothing else tells about it.

        Parameters
        ----------
        of : variable or name
            The variable.
        """
        return self._kernel().blanket(self[of].name)

    def d_separated(self, a: Any, b: Any, given: Any = None) -> bool:
        """Whether two variables or lists of variables are independent once others are known, whatever the tables.

        Parameters
        ----------
        a, b, given : variable, name or list

        References
        ----------
        R. D. Shachter, "Bayes-ball", UAI 1998.

        Examples
        --------
        >>> import escalade as esc
        >>> net = esc.BayesNet()
        >>> for name in ("rain", "hose"):
        ...     _ = net.add(name, {"no": 0.8, "yes": 0.2})
        >>> _ = net.add("wet", ["no", "yes"], cpd=esc.noisy_or({"rain": 0.9, "hose": 0.8}))
        >>> net.d_separated("rain", "hose"), net.d_separated("rain", "hose", given="wet")
        (True, False)
        """
        return self._kernel().separated(self._listed(a), self._listed(b), self._listed(given))

    def table(self, of: Any) -> results.NodeTable:
        """The table of a variable, whatever the kind of its law.

        Parameters
        ----------
        of : variable or name
            The variable.

        Raises
        ------
        TooLarge
            A noisy maximum with so many parents that no table holds it.
        """
        handle = self[of]
        states = tuple(tuple(self[parent].states) for parent in handle.given)
        probs = self._kernel().table(handle.name).reshape([*map(len, states), len(handle.states)])
        return results.NodeTable(handle.name, tuple(handle.states), tuple(handle.given), states, probs)

    # Files

    @classmethod
    def from_bif(cls, text: str | bytes, file: str | None = None) -> BayesNet:
        """The network of a text in BIF.

        Parameters
        ----------
        text : str or bytes
            The content of a file, gzipped or not.
        file : str, optional
            Its name in messages.

        Raises
        ------
        SpecError
            With the line and the column of what is wrong.
        """
        return cls._of(_core.BayesNet.from_bif(text.encode() if isinstance(text, str) else bytes(text), file))

    def to_bif(self) -> str:
        """The network as text in BIF; laws that are no tables become tables."""
        return self._kernel().to_bif()

    @classmethod
    def read(cls, path: str | PathLike[str]) -> BayesNet:
        """Read a network from a BIF file, gzipped or not.

        Parameters
        ----------
        path : path
            The file.

        Examples
        --------
        >>> import escalade as esc
        >>> net = esc.BayesNet.read("alarm.bif.gz")  # doctest: +SKIP
        >>> net.posteriors({"HR": "HIGH"})["HYPOVOLEMIA"]  # doctest: +SKIP
        """
        return cls.from_bif(Path(path).read_bytes(), str(path))

    def write(self, path: str | PathLike[str]) -> None:
        """Write the network to a BIF file, gzipped where its name ends in ``.gz``.

        Parameters
        ----------
        path : path
            The file.

        Raises
        ------
        SpecError
            If the name ends as that of another format; BIF is the one that is written.

        Notes
        -----
        What :meth:`given` keeps is no part of the file; what :meth:`do` sets is.
        """
        plain = Path(path).with_suffix("") if str(path).endswith(".gz") else Path(path)
        if plain.suffix.lower() in (
            ".xml",
            ".xmlbif",
            ".bifxml",
            ".xdsl",
            ".dsl",
            ".net",
            ".hugin",
            ".uai",
            ".json",
            ".toml",
        ):
            raise SpecError(f"write: '{path}' is named as a file of another format; BIF is written")
        content = self.to_bif().encode()
        Path(path).write_bytes(gzip.compress(content, mtime=0) if str(path).endswith(".gz") else content)

    # Scenarios

    def given(self, evidence: EvidenceLike) -> BayesNet:
        """The same network with this evidence kept, beside what is kept already.

        Parameters
        ----------
        evidence : as in :meth:`posteriors`
            What is known from now on.
        """
        net = self.copy()
        net._known = dict(read(self, evidence, self._known))
        core = self._kernel()
        if core.log_evidence(net._known) == -math.inf:
            core.posteriors(net._known)  # says why
        return net

    def do(self, evidence: EvidenceLike) -> BayesNet:
        """The same network, had these variables been set by hand: cut from their parents.

        Parameters
        ----------
        evidence : mapping, condition or list of these
            One state for each variable that is set.

        References
        ----------
        J. Pearl, "Causal diagrams for empirical research", Biometrika 82, 1995.
        """
        found = read(self, evidence, {})
        for name, what in found.items():
            if not isinstance(what, str):
                raise SpecError(f"do: {words(name, what)} is given; an intervention sets one state")
            if name in self._known:
                raise SpecError(
                    f"do: '{name}' is given already ({words(name, self._known[name])}); set it before, or not"
                )
        net = BayesNet._of(self._kernel().do_(found))
        net._known, net._done = dict(self._known), {**self._done, **{k: str(v) for k, v in found.items()}}
        return net

    # Showing

    def plot(self, evidence: EvidenceLike = None, **options: Any) -> Axes:
        """The network with its marginals: see :func:`escalade.bayes_plot.network`.

        Parameters
        ----------
        evidence : as in :meth:`posteriors`
            What is known.
        **options
            ``ax=``.
        """
        from . import bayes_plot

        return bayes_plot.network(self, evidence, **options)

    def copy(self) -> BayesNet:
        """A network of its own with the same variables; what is compiled is shared."""
        net = BayesNet.__new__(BayesNet)
        net._begin(self._name, None if self._nodes is None else list(self._nodes), self._core)
        net._effort, net._known, net._done = self._effort, dict(self._known), dict(self._done)
        for name, handle in self._handles.items():
            entry = {"name": name, "states": handle.states, "given": handle.given}
            net._handles[name] = Variable(net, entry)  # type: ignore[arg-type]
        return net

    __copy__ = copy

    def __deepcopy__(self, memo: object) -> BayesNet:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return BayesNet._restore, (self._kernel().spec(), self._known, self._done)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BayesNet):
            return NotImplemented
        return self._known == other._known and json.loads(self._kernel().spec()) == json.loads(other._kernel().spec())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        told = [f"given {words(name, what)}" for name, what in itertools.islice(self._known.items(), 6)]
        told += [f"do {name} = {state}" for name, state in itertools.islice(self._done.items(), 6)]
        n = len(self.links)
        counts = f"{len(self)} variable{'s' * (len(self) != 1)}, {n} link{'s' * (n != 1)}"
        title = f" {self._name!r}" if self._name else ""
        return f"<BayesNet{title}: {'; '.join([counts, *told])}>"

    def _repr_html_(self) -> str:
        from .bayes_picture import html

        return f"<p>{escape(repr(self)[1:-1])}</p>{html(self)}"
