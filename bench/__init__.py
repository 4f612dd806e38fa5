"""armbench: what an Arm CPU really does on the kernels of AI inference and agentic work."""

__version__ = "0.1.0"
