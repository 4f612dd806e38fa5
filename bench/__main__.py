"""python -m armbench.bench: the armbench command."""

from armbench.bench.cli import main

if __name__ == "__main__":
    main()
