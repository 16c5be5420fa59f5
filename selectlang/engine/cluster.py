"""Shards on a Ray cluster: actors load a class once and map what they get; the driver keeps the results."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Self

from selectlang.engine.handles import rows_of
from selectlang.engine.mapper import Shard
from selectlang.engine.parcel import dressed, packed
from selectlang.engine.source import source_digest
from selectlang.engine.worker import Job, Worker, models
from selectlang.errors import DataError, MethodError, SelectlangError
from selectlang.methods import Method

AHEAD = 2  # shards that a worker has: one that it maps, and the next
PATIENCE = 30.0  # seconds in which workers delete the models that they were sent
LOSSES = 4  # workers that a shard may lose before the run gives up


class Cluster:
    """The Ray cluster at an address, or one of the cores of this machine.

    It is used in a `with`; Ray starts with the first shard. A DataError when Ray is not installed.
    """

    def __init__(self, address: str | None) -> None:
        if find_spec("ray") is None:
            raise DataError('--engine ray needs Ray, which is not installed: pip install "selectlang[ray]"')
        self.address = address
        self._ray: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ray is not None:
            self._ray.shutdown()
            self._ray = None

    @staticmethod
    def takes(method: Method) -> bool:
        """Whether the shards of a method are spread; who asks models or keeps files does so in the driver."""
        return method.is_class and not method.given & {"llm", "scratch"}

    def workers(self, method: Method) -> tuple[int, float]:
        """How many workers map the shards of a method, and how many GPUs each of them has."""
        places = _places(self._start(), getattr(method.call, "gpus", 0))
        return len(places), places[0].get("num_gpus", 0)

    def map(
        self, method: Method, inputs: dict[str, Any], settings: dict[str, Any], shards: list[Shard]
    ) -> Generator[tuple[str, Any, float], None, None]:
        """The key, the result, and the seconds in the method of each shard, in the order they are done.

        `inputs` are those that the class needs whole. What the method raises is raised here.
        """
        ray = self._start()
        origin = f"{method.distribution} {method.version}"
        loose = _loose(ray, method)
        job = Job(
            f"{method.kind} {method.name}", origin, ray.cloudpickle.dumps(method),
            None if loose else source_digest(method.call), settings, models(method, settings),
        )  # fmt: skip
        told = ray.put(job), ray.put({name: packed(value) for name, value in inputs.items()})
        waiting = deque(shards)
        crew: dict[Any, int] = {}  # the workers, and how many shards each has
        flying: dict[Any, tuple[Any, Shard]] = {}
        try:
            while waiting or flying:
                crew = crew or {
                    ray.remote(Worker).options(**place).remote(*told): 0
                    for place in _places(ray, getattr(method.call, "gpus", 0))[: len(waiting)]
                }
                while waiting and min(crew.values()) < AHEAD:
                    worker = min(crew, key=lambda worker: crew[worker])
                    crew[worker] += 1
                    shard = waiting.popleft()
                    flying[worker.map.remote(packed(shard.value))] = worker, shard
                for ref in ray.wait(list(flying), timeout=1)[0]:
                    worker, shard = flying.pop(ref)
                    try:
                        found, seconds = ray.get(ref)
                    except ray.exceptions.RayTaskError:
                        raise
                    except ray.exceptions.RayError as error:
                        crew.pop(worker, None)
                        waiting.appendleft(_again(shard, error))
                        continue
                    if worker in crew:
                        crew[worker] -= 1
                    if isinstance(found, SelectlangError):
                        raise found
                    rows = rows_of(shard.value)
                    assert rows is not None
                    yield shard.key, dressed(found, rows), seconds
            with suppress(ray.exceptions.RayError):
                ray.get([worker.close.remote() for worker in crew], timeout=PATIENCE)
        finally:
            for worker in {*crew, *(worker for worker, _ in flying.values())}:
                ray.kill(worker)

    def _start(self) -> Any:
        """Ray, connected to the cluster; a DataError when there is none."""
        if self._ray is not None:
            return self._ray
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else it would report to its makers
        import ray

        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.address is None:  # "local": without an address Ray joins any cluster that happens to run
            ray.init(address="local", include_dashboard=False, **quiet)
        else:
            try:
                _knock(self.address)
                ray.init(address=self.address, **quiet)
            except (OSError, RuntimeError, ValueError) as error:
                reason = str(error).strip().splitlines()[0]
                raise DataError(
                    f"--address {self.address}: no Ray cluster can be joined there: {reason}"
                ) from error
        self._ray = ray
        return ray


def _knock(address: str) -> None:
    """An OSError when nobody listens at HOST:PORT, for which Ray itself would wait a quarter of an hour."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _loose(ray: Any, method: Method) -> bool:
    """Whether a method comes from a file of --plugins, which is sent along: no worker could import it."""
    module = sys.modules.get(method.call.__module__)
    if module is None or module.__spec__ is not None:
        return False
    ray.cloudpickle.register_pickle_by_value(module)
    return True


def _places(ray: Any, gpus: float) -> list[dict[str, Any]]:
    """Where workers go: one for each core, or for each GPU of a method that wants one.

    Such a method runs a model. Where no node has a GPU, a worker of it has all cores of a node.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    if not nodes:
        raise DataError("no node of the Ray cluster has a free core; see: ray status")
    cards = sum(int(node["Resources"].get("GPU", 0) // gpus) for node in nodes) if gpus else 0
    if cards:
        return [{"num_cpus": 1, "num_gpus": gpus}] * cards
    cores = [int(node["Resources"]["CPU"]) for node in nodes]
    if not gpus:
        return [{"num_cpus": 1, "scheduling_strategy": "SPREAD"}] * sum(cores)
    return [
        {"num_cpus": count, "scheduling_strategy": NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)}
        for node, count in zip(nodes, cores, strict=True)
    ]


def _again(shard: Shard, error: Exception) -> Shard:
    """A shard whose worker was lost, to be asked of another; a MethodError when that happens too often."""
    if shard.lost + 1 == LOSSES:
        lines = str(error).strip().splitlines()
        reason = " ".join(dict.fromkeys((lines[0], lines[-1])))  # what happened, and often why
        raise MethodError(
            f"lost {LOSSES} workers one after another over the same rows; did their memory run out? {reason}"
        )
    return Shard(shard.key, shard.value, shard.lost + 1)
