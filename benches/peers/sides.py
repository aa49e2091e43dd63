"""The sides that are compared, and the process in which one of them measures."""

import logging
import multiprocessing
import os
import pathlib
import resource
import signal
import statistics
import time
import warnings

import numpy as np

ENGINES = {  # The first is tried first, and with the whole time limit.
    "ours": ["escalade"],
    "pyAgrum": ["LazyPropagation", "ShaferShenoyInference", "VariableElimination"],
    "pgmpy": ["VariableElimination", "BeliefPropagation"],
}
# Numbers that pyAgrum reads are floats; pgmpy's are doubles.
AGREE = {"pyAgrum": 1e-6, "pgmpy": 1e-9}


# The sides: what each calls reading, making an engine, and asking it. `evidence` and `laws` translate, untimed.


class Escalade:
    """Ours; evidence is given by the names of states."""

    def __init__(self):
        import escalade
        from escalade import _core

        escalade.set_threads(1)
        self.read = lambda path: _core.BayesNet.from_bif(pathlib.Path(path).read_bytes())

    def load(self, path, names):
        self.network = self.read(path)
        self.states = dict(zip(names, self.network.states(), strict=True))

    def evidence(self, found):
        return {name: self.states[name][state] for name, state in found.items()}

    def source(self):
        return self.network.fresh(0.2)

    def make(self, engine, source):
        return source

    def ask(self, network, evidence):
        return network.posteriors(evidence)[0]

    def laws(self, answer):
        return answer


class PyAgrum:
    """Evidence is given by the numbers of states; where only these change the engine is told so."""

    def __init__(self):
        import pyagrum

        pyagrum.setNumberOfThreads(1)
        self.gum = pyagrum
        self.read = pyagrum.loadBN

    def load(self, path, names):
        self.network = self.read(path)
        self.ids = [self.network.idFromName(name) for name in names]

    def evidence(self, found):
        return found

    def source(self):
        return self.network

    def make(self, engine, source):
        return getattr(self.gum, engine)(source), set()

    def ask(self, made, evidence):
        engine, observed = made
        if observed == set(evidence):
            engine.updateEvidence(evidence)
        else:
            engine.setEvidence(evidence)
            observed.clear()
            observed.update(evidence)
        engine.makeInference()
        return [engine.posterior(number) for number in self.ids]

    def laws(self, answer):
        return np.concatenate([law.toarray() for law in answer])


class Pgmpy:
    """Asked for one variable after the other: asked for several at once it builds their joint law."""

    def __init__(self):
        warnings.simplefilter("ignore")
        import pgmpy.inference
        from pgmpy.readwrite import BIFReader

        logging.disable(logging.WARNING)
        self.inference = pgmpy.inference
        self.read = lambda path: BIFReader(path).get_model()

    def load(self, path, names):
        self.network, self.names = self.read(path), names
        self.states = {name: self.network.get_cpds(name).state_names[name] for name in names}

    def evidence(self, found):
        return {name: self.states[name][state] for name, state in found.items()}

    def source(self):
        return self.network

    def make(self, engine, source):
        made = getattr(self.inference, engine)(source)
        if engine == "BeliefPropagation":
            made.calibrate()
        return made

    def ask(self, engine, evidence):
        free = [name for name in self.names if name not in evidence]
        found = {name: engine.query([name], evidence=evidence or None, show_progress=False) for name in free}
        return found, evidence

    def laws(self, answer):
        found, evidence = answer
        return np.concatenate(
            [
                np.array([state == evidence[name] for state in self.states[name]], float)
                if name in evidence
                else np.array([found[name].get_value(**{name: state}) for state in self.states[name]])
                for name in self.names
            ]
        )


SIDES = {"ours": Escalade, "pyAgrum": PyAgrum, "pgmpy": Pgmpy}


# The process of one side: it measures, and is killed where it does not come back.


def timed(prepare, work, laws, budget):
    """Seconds by the wall and on the CPU, medians of as many runs as fit in the budget; the first run's answer.

    Short runs are timed many in a row, or the clock would be a good part of them.
    """
    walls, cpus, answer, batch = [], [], None, 0
    while not walls or (sum(cpus) * batch < budget and len(walls) < 1000):
        given = [prepare() for _ in range(batch or 1)]
        cpu, wall = time.process_time(), time.perf_counter()
        found = [work(one) for one in given]
        walls.append((time.perf_counter() - wall) / len(given))
        cpus.append((time.process_time() - cpu) / len(given))
        if batch == 0:
            answer, batch = laws(found[0]), max(1, min(100, int(3e-4 / walls[0])))
            if batch > 1:
                walls, cpus = [], []
    return statistics.median(walls), statistics.median(cpus), answer


def measure(side, engine, kind, path, evidence, budget):
    """One turn of one engine."""
    if kind == "read":
        return timed(lambda: path, side.read, lambda network: None, budget)
    findings = [side.evidence(found) for found in evidence]
    if kind in ("prior", "leaves"):
        return timed(side.source, lambda source: side.ask(side.make(engine, source), findings[0]), side.laws, budget)
    made = side.make(engine, side.source())
    side.ask(made, findings[0])
    turn = iter(range(1, 10**9))
    return timed(lambda: findings[next(turn) % len(findings)], lambda found: side.ask(made, found), side.laws, budget)


def serve(pipe, side, gigabytes):
    """Answers requests until the pipe closes: (what, arguments)."""
    resource.setrlimit(resource.RLIMIT_AS, (int(gigabytes * 1e9),) * 2)
    side = SIDES[side]()
    while True:
        try:
            what, arguments = pipe.recv()
        except EOFError:
            return
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if what == "load":
                reply = side.load(*arguments)
            elif what == "measure":
                reply = measure(side, *arguments)
            else:
                status = pathlib.Path("/proc/self/status").read_text()
                reply = int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9
        except KeyboardInterrupt:
            reply = "stopped"
        except MemoryError:
            reply = f"no answer in {gigabytes:g} GB"
        except Exception as error:
            reply = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        pipe.send(reply)


class Worker:
    """A process of one side with one network; a reply that is text says why there is none."""

    def __init__(self, side, path, names, gigabytes):
        self.side, self.load, self.gigabytes, self.process = side, (path, names), gigabytes, None

    def ask(self, limit, what, *arguments):
        """The reply to a request, within a limit of CPU time: other work on the machine does not count."""
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.pipe, theirs = context.Pipe()
            self.process = context.Process(target=serve, args=(theirs, self.side, self.gigabytes), daemon=True)
            self.process.start()
            theirs.close()
            failed = self._exchange(120, "load", self.load)
            if failed:
                self.close()
                return failed
        return self._exchange(limit, what, arguments)

    def _exchange(self, limit, what, arguments):
        try:
            self.pipe.send((what, arguments))
            start, told = self._cpu(), False
            # An engine in the middle of C++ does not hear that it should stop.
            while (spent := self._cpu() - start) < limit + 2:
                if self.pipe.poll(0.2 if spent > 1 else 0.02):
                    reply = self.pipe.recv()
                    return f"no answer in {limit:.0f} s" if isinstance(reply, str) and reply == "stopped" else reply
                if spent > limit and not told:
                    os.kill(self.process.pid, signal.SIGINT)
                    told = True
            reply = f"no answer in {limit:.0f} s"
        except (EOFError, OSError):
            reply = "the process died"
        self.close()
        return reply

    def _cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None
