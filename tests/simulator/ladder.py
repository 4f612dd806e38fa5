from armbench.bench import cpulist


def ladder(machine):
    n = machine.cpus
    s = {1 << i for i in range(20) if 1 << i <= n} | {n}
    for node in machine.nodes:
        b = max(cpulist.parse(node.cpus)) + 1
        if b < n:
            s |= {b - 2, b, b + 2, (b + n) // 2}
    s |= {n * 3 // 4}
    return [tuple(range(k)) for k in sorted(s)]
