"""Predictions of a Bayesian network for a table of evidence: any data frame in, the same kind out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import ImpossibleEvidence, NotConverged, SpecError
from .progress import Progress, progress_line
from .values import names_of, to_json

if TYPE_CHECKING:
    from .bayes_asking import Asking
    from .evidence import Finding

MISSING = -1


def predict(
    net: Asking,
    frame: Any,
    targets: list[str],
    evidence_columns: Any,
    probabilities: bool,
    states: bool,
    log_evidence: bool,
    impossible: str,
    progress: Progress,
) -> Any:
    """See :meth:`BayesNet.predict`."""
    import narwhals as nw

    if impossible not in ("raise", "nan"):
        raise SpecError(f"predict: impossible={impossible!r}; expected 'raise' or 'nan'")
    if not targets:
        raise SpecError("predict: expected at least one target")
    try:
        table: Any = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise SpecError(
            f"predict: a {type(frame).__name__} is given; expected a data frame of pandas, polars or pyarrow"
        ) from None
    columns = columns_of(net, list(table.columns), targets, evidence_columns)
    codes = np.empty((len(table), len(columns)), dtype=np.int32)
    for i, (column, name) in enumerate(columns.items()):
        codes[:, i] = codes_of(table[column].to_list(), column, name, net[name].states)
    names = list(columns.values())
    core, names, codes, shift = kept(net, names, codes)
    with progress_line("prediction", progress) as report:
        laws, logs = core.predict(names, np.ascontiguousarray(codes), targets, report)
    bad = np.flatnonzero(~np.isfinite(logs))
    if impossible == "raise" and bad.size:
        row = int(bad[0])
        seen = {n: net[n].states[c] for n, c in zip(names, codes[row], strict=True) if c >= 0 and n in net}
        try:
            net.posteriors({k: v for k, v in seen.items() if net._known.get(k) != v})
        except (ImpossibleEvidence, NotConverged) as error:
            raise type(error)(f"row {row}: {error}") from None
        raise ImpossibleEvidence(f"row {row}: the evidence is impossible")
    out: dict[str, Any] = {}
    at = 0
    for target in targets:
        own = net[target].states
        part = laws[:, at : at + len(own)]
        at += len(own)
        if probabilities:
            out |= {f"{target}={state}": part[:, i] for i, state in enumerate(own)}
        if states:
            best = np.where(np.isnan(part), -1.0, part).argmax(axis=1)
            out[target] = [own[i] if np.isfinite(log) else None for i, log in zip(best.tolist(), logs, strict=True)]
    if log_evidence:
        out["log_evidence"] = logs + shift
    native = nw.from_dict(out, backend=table.implementation).to_native()
    if table.implementation.is_pandas():
        native.index = frame.index
    return native


def columns_of(net: Asking, there: list[str], targets: list[str], asked: Any) -> dict[str, str]:
    """The variable of each column that is evidence."""
    if asked is None:
        columns = {column: column for column in there if column in net and column not in targets}
    elif isinstance(asked, Mapping):
        columns = {column: net[name].name for column, name in asked.items()}
    else:
        columns = {net[name].name: net[name].name for name in names_of(asked, "evidence_columns")}
    for column in columns:
        if column not in there:
            raise SpecError(f"predict: the frame has no column {column!r}; it has {', '.join(map(str, there[:8]))}")
    if not columns:
        raise SpecError(f"predict: no column bears the name of a variable; there are {', '.join(map(str, there[:8]))}")
    if len(set(columns.values())) < len(columns):
        raise SpecError("predict: two columns are evidence of one variable")
    return columns


def codes_of(cells: list[Any], column: str, name: str, states: list[str]) -> NDArray[np.int32]:
    """Numbers of states; a missing value is negative. A number or truth value stands for the state so written."""
    number = {state: i for i, state in enumerate(states)}

    def code(cell: Any) -> int:
        if isinstance(cell, str):
            found = number.get(cell)
        elif cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell:
            return MISSING
        elif isinstance(cell, float | np.floating) and float(cell).is_integer():
            found = number.get(str(cell), number.get(str(int(cell))))
        else:
            found = number.get(str(cell))
        if found is None:
            row = next(i for i, other in enumerate(cells) if other is cell)
            raise SpecError(
                f"column {column!r}, row {row}: {cell!r} is no state of {name!r}; expected one of {', '.join(states)}"
            )
        return found

    return np.fromiter(map(code, cells), dtype=np.int32, count=len(cells))


def kept(
    net: Asking, names: list[str], codes: NDArray[np.int32]
) -> tuple[_core.BayesNet, list[str], NDArray[np.int32], float]:
    """The kernel and the columns with the evidence that the network keeps.

    Evidence that is no single state becomes a variable with a state "seen" whose probability is the likelihood, over
    its largest: Pearl's virtual evidence.
    """
    core = net._kernel()
    known = net._known
    if not known:
        return core, names, codes, 0.0
    soft: list[tuple[str, Finding]] = []
    extra: list[tuple[str, int]] = []
    for name, what in known.items():
        if isinstance(what, str) and name not in names:
            extra.append((name, net[name].states.index(what)))
        else:
            soft.append((name, what))
    shift = 0.0
    if soft:
        from .evidence import likelihood

        nodes = list(net._tree)
        for name, what in soft:
            weights = likelihood(net[name], what)
            most = max(weights.values())
            shift += float(np.log(most))
            table = [p for weight in weights.values() for p in (1 - weight / most, weight / most)]
            seen = name
            while seen in net:
                seen += "'"
            nodes.append({"name": seen, "states": ["missed", "seen"], "given": [name], "cpd": {"table": table}})
            extra.append((seen, 1))
        core = _core.BayesNet(to_json({"name": net.name, "node": nodes}))
    more = np.tile(np.array([code for _, code in extra], dtype=np.int32), (len(codes), 1))
    return core, [*names, *(name for name, _ in extra)], np.hstack([codes, more]), shift
