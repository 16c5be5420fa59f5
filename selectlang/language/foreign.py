"""Faults of files that are no spec, and of those that another spec leads to."""

from __future__ import annotations

from dataclasses import replace

from selectlang.faults import Fault, Place, quoted
from selectlang.language.yaml import Node


def foreign(name: str, place: Place) -> Fault:
    hint = "A spec starts with 'selectlang: 1'; what another file holds is not shown."
    return Fault("SL405", f"{quoted(name)} is no selectlang spec", place, None, hint)


def record(root: Node, name: str, place: Place, led: bool) -> Fault:
    """The fault of a record: the paths in it are those of who ran it, and who runs a spec gives them."""
    message = f"{quoted(name)} is the record of a run, no spec"
    hint = (
        "Its part 'spec' is the spec, and 'spec_params' holds the values of its params.\n"
        "Save each in a file of its own, then run the one with --params and the other."
    )
    return Fault("SL405", message, place if led else (root.keys or {})["spec"], None, hint)


def led_to(fault: Fault, place: Place) -> Fault:
    return fault if fault.also else replace(fault, also=("named here", place))
