"""`armbench selftest`: whether verdicts hold on this machine, by comparisons whose answer is known."""
