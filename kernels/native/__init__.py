"""The C contract, the timing loop and the host's capabilities; used through bench/native.py."""
