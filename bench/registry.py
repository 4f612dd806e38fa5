"""Find kernels and their variants.

A kernel is a package below armbench.kernels, or an entry point of the group
`armbench.kernels`, whose module defines KERNEL.  Its variants are the files beside it: each
`<isa>.c` a native one, each `<library>.py` one that defines VARIANT.  Helpers of a kernel live
in sub-packages.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import armbench.kernels
from armbench.bench import native
from armbench.bench.errors import UserError
from armbench.bench.facts import FEATURES, ISA, missing_features
from armbench.bench.model import Kernel, Library, Variant

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "armbench.kernels"


class RegistryError(UserError):
    """A kernel or variant that is defined twice or wrongly; the message names it."""


@cache
def kernels() -> Mapping[str, Kernel]:
    """{name: kernel} of everything installed, ours first.

    Raises RegistryError for a duplicate, or a module without a KERNEL.
    """
    found: dict[str, Kernel] = {}
    for module in _modules():
        kernel = getattr(module, "KERNEL", None)
        if not isinstance(kernel, Kernel):
            raise RegistryError(f"{module.__name__}: defines no KERNEL of type armbench.bench.model.Kernel")
        if kernel.name in found:
            raise RegistryError(f"{module.__name__}: there is a kernel {kernel.name} already")
        found[kernel.name] = kernel
    return found


@cache
def _modules() -> tuple[ModuleType, ...]:
    ours = sorted(path.name for path in _entries(armbench.kernels) if (path / "__init__.py").is_file())
    return (*(_ours(name) for name in ours if name != "native"), *_foreign())


def _ours(name: str) -> ModuleType:
    return import_module(f"{armbench.kernels.__name__}.{name}")


def _foreign() -> tuple[ModuleType, ...]:
    from importlib.metadata import entry_points  # 40 ms, which a worker process seldom needs

    return tuple(_load(point) for point in sorted(entry_points(group=GROUP), key=lambda p: p.name))


def _entries(package: ModuleType) -> list[Path]:
    """What lies in a package's folders; an editable install may have two."""
    return [path for folder in package.__path__ for path in Path(folder).iterdir()]


def _load(point: EntryPoint) -> ModuleType:
    try:
        loaded = point.load()
    except Exception as error:
        raise RegistryError(f"entry point {point.name} = {point.value}: {error}") from error
    if not isinstance(loaded, ModuleType):
        raise RegistryError(f"entry point {point.name} = {point.value}: names no module")
    return loaded


def find(kernel: str, variant: str) -> tuple[Kernel, Variant]:
    """One variant of a kernel, which both exist; none but their modules are loaded."""
    known = any(path.name == kernel for path in _entries(armbench.kernels))
    module = _ours(kernel) if known else next(m for m in _foreign() if m.KERNEL.name == kernel)
    if any(path.name == f"{variant}.c" for path in _entries(module)):
        return module.KERNEL, _native(kernel, variant)
    return module.KERNEL, _library(kernel, module, variant)


@cache
def variants(kernel: str) -> tuple[Variant, ...]:
    """All variants of a kernel, built or not, runnable or not; native ones first."""
    (module,) = (m for m in _modules() if m.KERNEL.name == kernel)
    names = sorted({path.name for path in _entries(module) if path.is_file()})
    natives = [_native(kernel, name[:-2]) for name in names if name.endswith(".c")]
    libraries = [
        _library(kernel, module, name[:-3]) for name in names if name.endswith(".py") and name[0] != "_"
    ]
    order = list(ISA)
    found = [*sorted(natives, key=lambda v: (order.index(v.isa or ""), v.name)), *libraries]
    duplicates = {v.name for v in found if sum(w.name == v.name for w in found) > 1}
    if duplicates:
        raise RegistryError(f"{kernel}: variant {min(duplicates)} is defined twice")
    return tuple(found)


def _native(kernel: str, name: str) -> Variant:
    stem = native_stem(name)
    if stem not in ISA:
        raise RegistryError(f"{kernel}/{name}.c: no instruction set {stem} in kernels/native/isa.json")
    return Variant(kernel, name, isa=stem, why_not=_why_not_native(kernel, name, stem))


def native_stem(name: str) -> str:
    """The instruction set of a native variant: i8mm-2 is a second idea for i8mm."""
    head, _, tail = name.rpartition("-")
    return head if head and tail.isdigit() else name


def _why_not_native(kernel: str, name: str, stem: str) -> str | None:
    arch = ISA[stem]["arch"]
    if arch not in (None, platform.machine()):
        return f"for {arch}"
    if reason := native.not_built().get((kernel, name)):
        return f"not built: {reason}"
    if not any((v.kernel, v.name) == (kernel, name) for v in native.variants()):
        return "not built: newer than the library; rebuild with: make bench-quick"
    missing = missing_features(stem, host_feature_names())
    return f"CPU lacks {', '.join(missing)}" if missing else None


def _library(kernel: str, module: ModuleType, name: str) -> Variant:
    library = getattr(import_module(f"{module.__name__}.{name}"), "VARIANT", None)
    if not isinstance(library, Library):
        raise RegistryError(f"{kernel}/{name}.py: defines no VARIANT of type armbench.bench.model.Library")
    missing = [name for name in (library.package, *library.needs) if not installed(name)]
    verb = "is" if len(missing) == 1 else "are"
    why_not = f"{' and '.join(missing)} {verb} not installed" if missing else None
    return Variant(kernel, name, library=library, why_not=why_not, extra=library.extra)


def installed(package: str) -> str | None:
    """The installed version of a distribution, or None."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def host_feature_names() -> tuple[str, ...]:
    """The features of this CPU and kernel, as /proc/cpuinfo spells them."""
    words = native.host_features()
    table = FEATURES.get(platform.machine(), {})
    return tuple(name for name, (word, bit) in table.items() if words[word] >> bit & 1)
