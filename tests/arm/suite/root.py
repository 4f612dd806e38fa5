"""An aarch64 Python on this host: Debian's packages unpacked, binary wheels, and this repo's own wheel.

It needs no rights: nothing is installed, mounted, registered or chrooted into.  The interpreter of
the virtual environment is a launcher, a script that starts qemu with the unpacked packages as the
prefix of paths.  Python takes sys.executable from its argv[0], which is the launcher, so children
are emulated too (binfmt_misc would do the same, as root only); the host's own programs (sh, git)
run as they are.

What is fetched lies in build/arm-root-HASH and can be moved; the hash is of this file and of the
wheels' versions.  The environment, build/arm-python, is written anew when the repo's wheel changed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from tests.arm import lab
from tests.conftest import clean_environment

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}  # of Debian's releases
WITH_PYTHON = "libstdc++6"  # for the wheels
GLIBC = ("_2_28", "_2_27", "_2_26", "_2_24", "_2_17", "2014")  # wheels that run on it, by their tags
SOURCE_ONLY = ("unicodedata2",)  # no aarch64 wheel of the version that is asked for

CPU = "max"  # everything that the emulator has, so that no variant is refused


@dataclass(frozen=True, slots=True)
class Python:
    """An aarch64 interpreter that has armbench and what its tests need."""

    executable: Path

    def run(
        self, *words: object, cwd: Path, cpu: str = CPU, timeout: float = 1200, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """python WORDS in `cwd` on an emulated `cpu`, all output kept; raises TimeoutExpired (seconds)."""
        environment = clean_environment(
            QEMU_CPU=cpu, PYTHONPYCACHEPREFIX=str(self.executable.parent.parent / "pycache"), **extra
        )
        for name in ("ARMBENCH_LIBRARY", "LD_PRELOAD", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
            environment.pop(name, None)
        return subprocess.run(
            [self.executable, *map(str, words)],
            cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip


def missing() -> str | None:
    """The line that says what to install, None when everything is here."""
    if reason := lab.missing():
        return reason
    if folder().exists():
        return None
    if archive() is None:
        return f"the whole suite on Arm needs a Debian host ({' or '.join(PYTHONS)}), whose archive has arm64 too"
    return None if KEYS.exists() else "the whole suite on Arm needs: apt install debian-archive-keyring"


# --- what is fetched -----------------------------------------------------------------------


@cache
def archive() -> tuple[str, str] | None:
    """(address, release) of the Debian archive that this host itself uses, None where it is no Debian."""
    if not shutil.which("apt-get"):
        return None
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT) $(CREATED_BY)"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    for line in told.stdout.splitlines():
        site, release, *rest = line.split()
        if release in PYTHONS and rest == ["main", "Packages"] and "debian" in site:
            return site, release
    return None


def version() -> str:
    """Of the Python that the archive has."""
    found = archive()
    assert found is not None, missing()
    return PYTHONS[found[1]]


@cache
def wheels() -> tuple[str, ...]:
    """What armbench and its tests need, in the versions that this environment has."""
    wanted = [r for r in metadata.requires("armbench") or () if "extra" not in r or 'extra == "test"' in r]
    names = sorted({found[0] for r in wanted if (found := re.match(r"[\w-]+", r))}.difference(SOURCE_ONLY))
    return tuple(f"{name}=={metadata.version(name)}" for name in names)


@cache
def folder() -> Path:
    """Where the root for this recipe lies or will lie."""
    recipe = hashlib.sha256(Path(__file__).read_bytes())
    recipe.update("\n".join([*wheels(), *(archive() or ())]).encode())
    return lab.ROOT / "build" / f"arm-root-{recipe.hexdigest()[:12]}"


def root() -> Path:
    """The folder with debian/ and site/, fetched where it is not there (some 20 s).

    Raises LabError when a download fails.
    """
    if not folder().exists():
        partial = folder().with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        _fetch_debian(partial)
        _fetch_wheels(partial / "site")
        partial.rename(folder())
    return folder()


def _fetch_debian(partial: Path) -> None:
    """The packages and all that they depend on, by an apt whose state is all below `partial`."""
    state = partial / "apt"
    for name in ("etc", "lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True)
    (state / "status").touch()
    site, release = archive() or ("", "")
    (state / "sources.list").write_text(f"deb [arch=arm64 signed-by={KEYS}] {site} {release} main\n")
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "1",  # the lock is for those who install
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": state / "etc",
        "Dir::Etc::preferencesparts": state / "etc",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    lab.run(*apt, "update")
    lab.run(
        *apt, "install", "-y", "--no-install-recommends", "--download-only", f"python{version()}", WITH_PYTHON
    )
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        lab.run("dpkg-deb", "-x", package, partial / "debian")
    shutil.rmtree(state)


def _fetch_wheels(target: Path) -> None:
    platforms = [word for tag in GLIBC for word in ("--platform", f"manylinux{tag}_aarch64")]
    lab.run(
        sys.executable, "-m", "pip", "install", "-q", "--target", target, "--no-compile", *platforms,
        "--only-binary=:all:", "--python-version", version(), "--implementation", "cp", *wheels(),
    )  # fmt: skip


# --- the environment -----------------------------------------------------------------------


@cache
def python() -> Python:
    """The interpreter with this repo's wheel as it is now; both are made where they are not there."""
    fetched, wheel = root(), _wheel()
    home = lab.ROOT / "build" / "arm-python"
    site, made_from = home / "lib" / f"python{version()}" / "site-packages", home / "made-from"
    content = f"{fetched.name} {hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    if not made_from.exists() or made_from.read_text() != content:
        shutil.rmtree(home, ignore_errors=True)
        site.mkdir(parents=True)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        (site / "fetched.pth").write_text(f"{fetched / 'site'}\n")
        (home / "pyvenv.cfg").write_text(f"home = {fetched / 'debian/usr/bin'}\n")
        _write_launcher(home / "bin" / "python", fetched / "debian")
        made_from.write_text(content)
    return Python(home / "bin" / "python")


def _write_launcher(path: Path, debian: Path) -> None:
    path.parent.mkdir()
    path.write_text(
        "#!/bin/sh\n"
        f'exec "{lab.emulator()}" -cpu "${{QEMU_CPU:-{CPU}}}" -L "{debian}" -0 "$0" '
        f'"{debian}/usr/bin/python{version()}" "$@"\n'
    )
    path.chmod(0o755)


def _wheel() -> Path:
    """The aarch64 wheel, as `make wheel` builds it; some 40 s from nothing."""
    folder = lab.ROOT / "build" / "arm-wheel"
    shutil.rmtree(folder, ignore_errors=True)
    lab.run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, lab.ROOT,
        _PYTHON_HOST_PLATFORM="manylinux_2_28-aarch64",
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel
