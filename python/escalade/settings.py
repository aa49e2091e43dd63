"""What holds for the whole process: threads, memory, and the style of pictures."""

from . import _core
from ._core import SpecError
from .values import missing, number, whole

MOST_THREADS = 1024


def threads() -> int:
    """Number of threads in use.

    Returns
    -------
    int

    Examples
    --------
    >>> import escalade as esc
    >>> esc.threads() >= 1
    True
    """
    return _core.threads()


def set_threads(n: int) -> None:
    """Use so many threads from now on. Results do not depend on it, to the last bit.

    Parameters
    ----------
    n : int
        0 to 1024; 0: as many as there are cores.

    Raises
    ------
    SpecError
        If it is no such number.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.set_threads(0)
    """
    _core.set_threads(whole(n, "threads", 0, MOST_THREADS))


def memory_limit() -> float:
    """Bytes that an exact answer may take; by default 60 % of what was free at first use.

    Returns
    -------
    float

    Examples
    --------
    >>> import escalade as esc
    >>> esc.memory_limit() > 0
    True
    """
    return _core.memory_limit()


def set_memory_limit(bytes: float) -> None:
    """Refuse answers that would take more memory than this.

    Parameters
    ----------
    bytes : float
        0 restores the default.

    Raises
    ------
    SpecError
        If it is negative or no number.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.set_memory_limit(0)
    """
    limit = number(bytes, "the memory limit", "a number of bytes")
    if not limit >= 0:
        raise SpecError(f"the memory limit is {bytes}; expected a number of bytes, 0 or more")
    _core.set_memory_limit(limit)


STYLES = ("light", "dark")
_style = STYLES[0]


def style() -> str:
    """The style of pictures.

    Returns
    -------
    {"light", "dark"}

    Examples
    --------
    >>> import escalade as esc
    >>> esc.style()
    'light'
    """
    return _style


def set_style(name: str) -> None:
    """Draw pictures light or dark from now on, as suits the notebook; no setting of matplotlib is touched.

    It holds for new figures. A picture drawn into Axes that are given (``ax=``) follows their own ground.

    Parameters
    ----------
    name : {"light", "dark"}

    Raises
    ------
    SpecError
        If it is no such name.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.set_style("dark")
    >>> esc.set_style("light")
    """
    global _style
    if name not in STYLES:
        raise missing("there is no style", name, STYLES)
    _style = name
