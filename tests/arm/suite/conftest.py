"""When the whole suite runs on an emulated Arm CPU: where it is required or its root is built already."""

from __future__ import annotations

import os

import pytest

from tests.arm.suite import root


@pytest.fixture(scope="session")
def python() -> root.Python:
    required = os.environ.get("ARMBENCH_ARM_LAB") == "required"
    if reason := root.missing():
        if required:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    if not required and not root.folder().exists():
        pytest.skip("the whole suite on Arm takes minutes; make test-arm builds what it needs, once")
    return root.python()
