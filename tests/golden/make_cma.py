"""Golden data of CMA-ES from pycma (`pip install cma==4.5.0 numpy`): run `python make_cma.py` in this folder.

cma/trace_*.txt: candidates and costs of a run, and the state of pycma after each generation. Our `tell` on the same
candidates must reproduce that state. cma/evaluations.txt: evaluations that pycma needs on standard functions.

pycma starts from C = diag(exp(1e-4 i / N)), a guard against equal eigenvalues; here it starts from the identity of
the published algorithm, as ours.
"""
import math
import pathlib
import warnings

import cma
import numpy as np

warnings.simplefilter("ignore")
OUT = pathlib.Path(__file__).parent / "cma"


def sphere(x):
    return float(np.sum(x**2))


def ellipsoid(x):
    n = len(x)
    return float(np.sum(10.0 ** (6 * np.arange(n) / (n - 1)) * x**2))


def rosenbrock(x):
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def rastrigin(x):
    return float(10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * np.pi * x)))


def strategy(x0, sigma0, population, seed, active=True):
    options = {"popsize": population, "seed": seed, "verbose": -9, "CMA_active": active, "CMA_mirrors": 0,
               "AdaptSigma": cma.sigma_adaptation.CMAAdaptSigmaCSA, "tolfun": 0, "tolfunhist": 0, "tolx": 0,
               "tolflatfitness": 10**9, "tolstagnation": 0, "tolxstagnation": False, "maxiter": 10**9}
    es = cma.CMAEvolutionStrategy(x0, sigma0, options)
    es.sm.C = np.eye(es.N)
    es.sm.B = np.eye(es.N)
    es.sm.D = np.ones(es.N)
    return es


def row(values, digits=17):
    return " ".join(f"{v:.{digits}g}" for v in np.atleast_1d(values))


def trace(name, function, x0, sigma0, population, generations, digits, every, seed, active=True):
    """A file: `key values` lines; for each generation the candidates (rounded to `digits`), their costs, the state."""
    es = strategy(x0, sigma0, population, seed, active)
    weights = es.sp.weights
    csa = es.adapt_sigma
    lines = [f"dimension {es.N}", f"population {population}", f"generations {generations}", f"active {int(active)}",
             f"sigma0 {row(sigma0)}", f"mean0 {row(x0)}", f"weights {row(list(weights))}",
             "constants " + row([weights.mueff, csa.cs, csa.damps, es.sp.cc, es.sp.c1, es.sp.cmu,
                                 es.sm.lazy_update_gap])]
    stalls = 0
    for generation in range(1, generations + 1):
        candidates = np.array([[float(f"{v:.{digits}g}") for v in x] for x in es.ask()])
        costs = [function(x) for x in candidates]
        before = len(es.hsiglist)
        cma.evolution_strategy._record_hsig = True
        # Rounded candidates are strangers to pycma, which would shorten long ones without this flag.
        es.tell(list(candidates), costs, check_points=False)
        stalls += len(es.hsiglist) - before
        lines.append("candidates " + " ".join(row(x, digits) for x in candidates))
        lines.append("costs " + row(costs))
        lines.append("sigma " + row(es.sigma))
        lines.append("path " + row(np.linalg.norm(csa.ps)))
        if generation % every == 0 or generation == generations:
            lines.append("mean " + row(es.mean))
            lines.append("variances " + row(np.diag(es.sm.C)))
    lines.append(f"stalls {stalls}")
    (OUT / f"trace_{name}.txt").write_text("\n".join(lines) + "\n")
    print(name, "stalls", stalls, "eigen", es.sm.count_eigen, "sigma", es.sigma, "damps", csa.damps, "best", min(costs))


def evaluations(function, x0, sigma0, population, target, limit, seeds):
    needed = []
    for seed in range(1, seeds + 1):
        es = strategy(x0, sigma0, population, seed)
        count = math.inf
        while es.countevals < limit:
            candidates = es.ask()
            costs = [function(x) for x in candidates]
            es.tell(candidates, costs)
            if min(costs) < target:
                count = es.countevals
                break
        needed.append(count)
    return needed


def main():
    OUT.mkdir(exist_ok=True)
    ten = np.ones(10)
    trace("ellipsoid", ellipsoid, 0.5 * ten, 0.3, 10, 50, 9, 5, 1)
    # A step size far too small for the start: the path grows long and stalls p_c.
    trace("rosenbrock", rosenbrock, 0 * ten, 1e-3, 10, 50, 9, 5, 2)
    # A population that is large against the dimension, as in the published controller: damping above 1 + c_sigma.
    trace("rastrigin", rastrigin, 2 * ten, 1.0, 64, 12, 7, 4, 3)
    # Decompositions every third generation only.
    trace("lazy", ellipsoid, 0.5 * np.ones(100), 0.3, 6, 25, 5, 25, 4)
    trace("positive", ellipsoid, 0.5 * ten, 0.3, 11, 20, 9, 5, 5, active=False)

    trace("four", rosenbrock, 0 * ten, 0.1, 4, 40, 9, 5, 6)

    lines = ["# name population sigma0 start target limit: evaluations of pycma for each seed (inf: not reached)"]
    for function, population, sigma0, start, target, limit, seeds in (
            (sphere, 10, 0.1, 1.0, 1e-9, 20000, 15), (ellipsoid, 10, 0.3, 1.0, 1e-9, 40000, 15),
            (rosenbrock, 10, 0.1, 0.0, 1e-9, 40000, 15), (rastrigin, 500, 3.0, 2.0, 1e-9, 150000, 11)):
        needed = evaluations(function, start * ten, sigma0, population, target, limit, seeds)
        lines.append(f"{function.__name__} {population} {sigma0} {start} {target} {limit} {row(needed)}")
        print(lines[-1], "median", np.median(needed))
    (OUT / "evaluations.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
